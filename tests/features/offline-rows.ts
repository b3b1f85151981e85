import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, withDatabase } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import type { StoredValue } from '../../platform/online-store';

/** One row of a partition, as a test thinks of it; times in microseconds. */
export interface OfflineRow {
  keys: (string | number | bigint | null)[];
  event: bigint | null;
  created: bigint | null;
  values: StoredValue[];
}

export interface PartitionOptions {
  /** SQL type of the times; default with a zone. */
  timeType?: 'TIMESTAMP' | 'TIMESTAMPTZ' | 'TIMESTAMP_NS';
  /** Columns to leave out. */
  without?: string[];
  /** SQL types in place of the declared ones. */
  types?: Record<string, string>;
}

/** Writes rows as a partition of the view, every value exactly. */
export async function writePartition(
  path: string,
  view: FeatureView,
  rows: readonly OfflineRow[],
  { timeType = 'TIMESTAMPTZ', without = [], types = {} }: PartitionOptions = {},
): Promise<void> {
  const { joinKeys } = view.entity;
  const columns = [
    ...joinKeys.map(({ name, type }) => ({ name, type: types[name] ?? SQL_TYPE[type] })),
    { name: 'event_timestamp', type: timeType },
    { name: 'created_timestamp', type: timeType },
    ...view.features.map(({ name, type }) => ({ name, type: types[name] ?? SQL_TYPE[type] })),
  ];
  const kept = columns.map(({ name }) => !without.includes(name));
  const tuples = rows.map(({ keys, event, created, values }) => {
    const cells = [...keys.map(sql), time(event, timeType), time(created, timeType), ...values.map(sql)];
    return `(${cells.filter((_, index) => kept[index]).join(', ')})`;
  });
  mkdirSync(dirname(path), { recursive: true });
  const table = columns
    .filter((_, index) => kept[index])
    .map(({ name, type }) => `${identifier(name)} ${type}`);
  await withDatabase(async (database) => {
    await database.execute(`CREATE TABLE partition (${table.join(', ')})`);
    if (tuples.length > 0) await database.execute(`INSERT INTO partition VALUES ${tuples.join(', ')}`);
    // A dictionary would hold 0 and -0 as one value.
    await database.execute(`COPY partition TO ${literal(path)} (FORMAT parquet, DICTIONARY_SIZE_LIMIT 0)`);
  });
}

function sql(value: StoredValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return Object.is(value, -0) ? `'-0.0'` : `'${value}'`;
  return typeof value === 'string' ? literal(value) : String(value);
}

const time = (micros: bigint | null, type: string): string =>
  micros === null ? 'NULL' : `CAST(make_timestamp(${micros}) AT TIME ZONE 'UTC' AS ${type})`;
