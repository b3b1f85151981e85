import { join } from 'node:path';
import type { QualityFinding } from '../../contracts/dataset';
import { daysEndingWith, endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import {
  defineTable,
  explainCorruption,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { breach, checkRows, featureRules, keyRules } from '../quality/rules';
import { columnNames, declaredColumns, joinKeyNames, SQL_TYPE } from './columns';

export interface ComputedPartition {
  day: Day;
  key: string;
  rows: number;
  /** False where the partition was there and was kept. */
  computed: boolean;
}

/**
 * One day of a view: pulls the raw partitions it reads, runs its SQL, checks the result and only then writes
 * `features/<view>/dt=<day>/part-0.parquet` (join keys, event_timestamp = the day's end in UTC, created_timestamp,
 * features; ordered by join keys).
 */
export async function computeDay(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView & { transformation: string },
  day: Day,
  createdAt: Date,
): Promise<ComputedPartition> {
  const where = `features/${view.name} dt=${day}`;
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    const pulled = await defineSources(database, cache, view.sources, day);
    await explainCorruption(database, pulled, () =>
      runTransformation(database, view.transformation, day, `features/${view.name}`),
    );
    const findings = await checkComputed(database, view, where);
    if (findings.length > 0) throw breach(findings);
    const path = join(cache.folder, `${view.name}-${day}.parquet`);
    await database.execute(
      `COPY (${partitionQuery(view, day, createdAt)}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const { rows } = await database.row<{ rows: number }>('SELECT count(*) AS rows FROM computed');
    const { key } = await store.upload(path, `${Key.featurePartition(view, day)}part-0.parquet`);
    return { day, key, rows, computed: true };
  } finally {
    database.close();
  }
}

/** Makes each source table a DuckDB view over the partitions it is read from. */
export async function defineSources(
  database: Database,
  cache: PartitionCache,
  sources: FeatureView['sources'],
  lastDay: Day,
): Promise<PulledObject[]> {
  const all: PulledObject[] = [];
  for (const { table, lookBackDays } of sources) {
    const days = daysEndingWith(lastDay, lookBackDays);
    const pulled = (await Promise.all(days.map((day) => cache.pull(Key.rawPartition(table, day))))).flat();
    await defineTable(database, table, pulled);
    all.push(...pulled);
  }
  return all;
}

/**
 * Leaves the rows of one day in the table `computed`.
 * @throws MeridianError InvalidInput where the SQL is not accepted (a column that no partition has, for example).
 */
export async function runTransformation(
  database: Database,
  sql: string,
  day: Day,
  what: string,
): Promise<void> {
  try {
    await database.execute(`CREATE OR REPLACE TABLE computed AS ${sql.trim().replace(/;$/, '')}`, { day });
  } catch (cause) {
    const reason = (cause as Error).message;
    // What the data itself brings about is looked into by the caller; these two are the SQL's own.
    if (!/^(Binder|Parser|Catalog) Error/.test(reason)) throw cause;
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `${what}: the transformation for ${day} was refused: ${reason}. Nothing was written. ` +
        'Correct the SQL, or deliver the columns it reads, and start again.',
      [],
      { cause },
    );
  }
}

async function checkComputed(
  database: Database,
  view: FeatureView,
  where: string,
): Promise<QualityFinding[]> {
  const columns = declaredColumns(view);
  const found = await columnNames(database, 'computed');
  const lacking = columns.filter(({ name }) => !found.includes(name)).map(({ name }) => name);
  const extra = found.filter((name) => !columns.some((column) => column.name === name));
  if (lacking.length > 0 || extra.length > 0) {
    return [
      {
        where,
        check: 'the declared columns',
        found: [
          lacking.length > 0 ? `lacks ${lacking.join(', ')}` : '',
          extra.length > 0 ? `has ${extra.join(', ')}, which nobody declared` : '',
        ]
          .filter(Boolean)
          .join(' and '),
        expected: `the columns ${columns.map(({ name }) => name).join(', ')}`,
        examples: [],
      },
    ];
  }
  const types = columns.map(({ name, type }) => ({
    check: `${name} is a ${type}`,
    bad: `${identifier(name)} IS NOT NULL AND TRY_CAST(${identifier(name)} AS ${SQL_TYPE[type]}) IS NULL`,
    complaint: `have a ${name} that is no ${type}`,
    allowedShare: 0,
  }));
  const keys = joinKeyNames(view);
  const rules = [...keyRules(keys), ...types];
  const findings = await checkRows(database, 'computed', where, keys, rules);
  // Ranges and categories can be compared only where every value has its type.
  if (findings.length > 0) return findings;
  return checkRows(
    database,
    'computed',
    where,
    keys,
    view.features.flatMap((feature) => featureRules(feature)),
  );
}

function partitionQuery(view: FeatureView, day: Day, createdAt: Date): string {
  const cast = ({ name, type }: { name: string; type: keyof typeof SQL_TYPE }): string =>
    `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`;
  const keys = joinKeyNames(view).map(identifier).join(', ');
  return (
    `SELECT ${view.entity.joinKeys.map(cast).join(', ')}, ` +
    `TIMESTAMPTZ ${literal(endOfDay(day))} AS event_timestamp, ` +
    `TIMESTAMPTZ ${literal(createdAt.toISOString())} AS created_timestamp, ` +
    `${view.features.map(cast).join(', ')} FROM computed ORDER BY ${keys}`
  );
}
