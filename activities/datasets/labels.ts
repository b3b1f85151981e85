import { join } from 'node:path';
import { addDays, daysEndingWith, endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { LabelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import { columnNames, SQL_TYPE } from '../../platform/duckdb-types';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { runTransformation } from '../features/compute-sources';
import { breach, checkRows, keyRules } from '../quality/rules';
import { modelJoinKeys } from './entity';
import { countLabels, type LabelCounts } from './label-counts';
import { labelKindOf } from './label-kinds';

export interface LabelledDay extends LabelCounts {
  day: Day;
}

/** The days a dataset observes, oldest first: the outcome of the newest is known on `asOf`. */
export function observationDays(label: LabelDeclaration, asOf: Day): Day[] {
  return Array.from({ length: label.periods }, (_, index) =>
    addDays(asOf, -label.horizonDays - (label.periods - 1 - index) * label.everyDays),
  );
}

/**
 * Days whose labels others deliver: the newest `periods` of those whose outcome is known on `asOf`, oldest first.
 * @throws MeridianError MissingObject where there are none.
 */
export async function deliveredDays(
  store: ObjectStore,
  declaration: SupervisedDeclaration,
  asOf: Day,
): Promise<Day[]> {
  const { name, label } = declaration;
  const newest = addDays(asOf, -label.horizonDays);
  const days = (await listPartitionDays(store, `labels/${name}/`))
    .filter((day) => day <= newest)
    .slice(-label.periods);
  if (days.length > 0) return days;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `${store.uri(`labels/${name}/`)}: expected labels of ${newest} or before, found none. ` +
      'Deliver them, then retry.',
  );
}

/**
 * Derives one day's labels from the raw tables and writes `labels/<model>/dt=<day>/part-0.parquet` (join keys,
 * event_timestamp = the day's end in UTC, label by the model's kind, created_timestamp), unless the same labels lie there
 * already.
 * @throws MeridianError DataQualityBreach naming what is wrong with the labels
 */
export async function labelDay(
  store: ObjectStore,
  cache: PartitionCache,
  declaration: SupervisedDeclaration,
  sql: string,
  day: Day,
  createdAt: Date,
): Promise<LabelledDay> {
  const where = `labels/${declaration.name} dt=${day}`;
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    const pulled = await defineOutcomeSources(database, cache, declaration, day);
    await runTransformation(database, pulled, sql, day, `labels/${declaration.name}`);
    const keys = modelJoinKeys(declaration);
    const names = keys.map(({ name }) => name);
    await refuseBadLabels(database, 'computed', where, declaration, names);
    const columns = keys.map(
      ({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
    );
    await database.execute(
      `CREATE TABLE labels AS SELECT ${columns.join(', ')}, TIMESTAMPTZ ${literal(endOfDay(day))} AS event_timestamp,
         CAST(label AS ${labelKindOf(declaration).stored}) AS label FROM computed`,
    );
    const partition = Key.labelPartition(declaration.name, day);
    if (!(await liesThere(store, cache, database, partition))) {
      const path = join(cache.folder, `labels-${day}.parquet`);
      await database.execute(
        `COPY (SELECT *, TIMESTAMPTZ ${literal(createdAt.toISOString())} AS created_timestamp FROM labels
               ORDER BY ${names.map(identifier).join(', ')}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      await store.upload(path, `${partition}part-0.parquet`);
    }
    return { day, ...(await countLabels(database, 'labels', declaration)) };
  } finally {
    database.close();
  }
}

/**
 * Checks and counts what lies in a delivered partition.
 * @throws MeridianError DataQualityBreach naming what is wrong with the labels
 */
export async function countDelivered(
  cache: PartitionCache,
  declaration: SupervisedDeclaration,
  day: Day,
): Promise<LabelledDay> {
  const pulled = await cache.pull(Key.labelPartition(declaration.name, day));
  const database = await openDatabase();
  try {
    await defineTable(database, 'labels', pulled);
    const names = modelJoinKeys(declaration).map(({ name }) => name);
    // An event has one label a day; a customer may have several observations.
    const named = declaration.kind === 'text-classifier' ? names : [...names, 'event_timestamp'];
    const where = `labels/${declaration.name} dt=${day}`;
    return await explainCorruption(database, pulled, async () => {
      await refuseBadLabels(database, 'labels', where, declaration, named);
      return { day, ...(await countLabels(database, 'labels', declaration)) };
    });
  } finally {
    database.close();
  }
}

/**
 * Holds a table of labels against what the model's kind asks of them.
 * @param names Columns of which no two rows have the same values: join keys, and perhaps the time.
 * @throws MeridianError DataQualityBreach
 */
export async function refuseBadLabels(
  database: Database,
  table: string,
  where: string,
  declaration: SupervisedDeclaration,
  names: readonly string[],
): Promise<void> {
  const columns = await columnNames(database, table);
  const missing = [...names, 'label'].filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    const found = `found no column ${missing.join(', ')}, but ${columns.join(', ')}`;
    const expected = [...names, 'label'].join(', ');
    throw breach([{ where, check: 'columns are there', found, expected, examples: [] }]);
  }
  const kind = labelKindOf(declaration);
  const rules = [...keyRules(names), ...kind.storedRules];
  const personal = personalColumns(...declaration.views);
  const findings = await checkRows(database, table, where, names, rules, personal);
  findings.push(...(await kind.unknown(database, table, where)));
  if (findings.length > 0) throw breach(findings);
}

/** The source tables over the look-back before the day and the horizon after it, in which the outcome shows. */
async function defineOutcomeSources(
  database: Database,
  cache: PartitionCache,
  { label }: SupervisedDeclaration,
  day: Day,
): Promise<PulledObject[]> {
  const all: PulledObject[] = [];
  for (const { table, lookBackDays } of label.sources) {
    const days = daysEndingWith(addDays(day, label.horizonDays), lookBackDays + label.horizonDays);
    const pulled = (await Promise.all(days.map((one) => cache.pull(Key.rawPartition(table, one))))).flat();
    await defineTable(database, table, pulled);
    all.push(...pulled);
  }
  return all;
}

/** Whether the partition holds just these labels: then it stays as it is, and so does every snapshot made of it. */
async function liesThere(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  partition: string,
): Promise<boolean> {
  if ((await store.list(partition)).length === 0) return false;
  const pulled = await cache.pull(partition);
  try {
    const old = `SELECT * EXCLUDE (created_timestamp) FROM ${parquetFiles(pulled.map(({ path }) => path))}`;
    const { differing } = await database.row<{ differing: number }>(
      `SELECT count(*) AS differing FROM ((${old} EXCEPT ALL SELECT * FROM labels)
         UNION ALL (SELECT * FROM labels EXCEPT ALL ${old}))`,
    );
    return differing === 0;
  } catch {
    // Unreadable, or of another shape: written anew.
    return false;
  }
}
