import { join } from 'node:path';
import { addDays, daysEndingWith, endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { LabelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
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

export interface LabelledDay {
  day: Day;
  rows: number;
  positives: number;
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
 * event_timestamp = the day's end in UTC, label 0 or 1, created_timestamp), unless the same labels lie there already.
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
    const personal = personalColumns(...declaration.views);
    const rules = [...keyRules(names), labelRule];
    const findings = await checkRows(database, 'computed', where, names, rules, personal);
    if (findings.length > 0) throw breach(findings);
    const columns = keys.map(
      ({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
    );
    await database.execute(
      `CREATE TABLE labels AS SELECT ${columns.join(', ')}, TIMESTAMPTZ ${literal(endOfDay(day))} AS event_timestamp,
         CAST(label AS INTEGER) AS label FROM computed`,
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
    return await countLabels(database, day, 'labels');
  } finally {
    database.close();
  }
}

/** Counts what lies in a delivered partition. */
export async function countDelivered(
  cache: PartitionCache,
  declaration: SupervisedDeclaration,
  day: Day,
): Promise<LabelledDay> {
  const pulled = await cache.pull(Key.labelPartition(declaration.name, day));
  const database = await openDatabase();
  try {
    await defineTable(database, 'labels', pulled);
    return await explainCorruption(database, pulled, () => countLabels(database, day, 'labels'));
  } finally {
    database.close();
  }
}

/** A label is 0 or 1 and never missing. */
export const labelRule = {
  check: 'label is 0 or 1',
  bad: '(label IS NULL OR TRY_CAST(label AS INTEGER) NOT IN (0, 1) OR TRY_CAST(label AS INTEGER) IS NULL)',
  complaint: 'have a label that is neither 0 nor 1',
  allowedShare: 0,
};

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

async function countLabels(database: Database, day: Day, table: string): Promise<LabelledDay> {
  const { rows, positives } = await database.row<{ rows: number; positives: number }>(
    `SELECT count(*) AS rows, count(*) FILTER (label = 1) AS positives FROM ${identifier(table)}`,
  );
  return { day, rows, positives };
}
