import { join } from 'node:path';
import type { QualityFinding } from '../../../contracts/dataset';
import { Key } from '../../../contracts/ids';
import { literal, type Database } from '../../../platform/duckdb';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../../platform/partitions';
import type { ObjectStore } from '../../../platform/s3';
import { breach, checkRows, type RowRule } from '../../quality/rules';
import { columnTypes } from '../../../platform/duckdb-types';
import { identifier } from '../../../platform/duckdb';

/** Windows that people called anomalous, as a file on this machine. */
export interface WrittenWindows {
  path: string;
  rows: number;
}

const RULES: readonly RowRule[] = [
  { check: 'a window has a series', bad: 'series IS NULL', complaint: 'have no series', allowedShare: 0 },
  {
    check: 'a window ends after it starts',
    bad: 'starts_at IS NULL OR ends_at IS NULL OR ends_at < starts_at',
    complaint: 'have no start, no end, or end before they start',
    allowedShare: 0,
  },
];

/**
 * Writes the labelled windows (`labels/<model>/dt=…/`: series, starts_at, ends_at) that touch points of the table `points`.
 * They judge a version and train none.
 * @returns Null where there are none; and the partitions read.
 */
export async function writeLabelledWindows(
  store: ObjectStore,
  database: Database,
  cache: PartitionCache,
  model: string,
): Promise<{ windows: WrittenWindows | null; sources: PulledObject[] }> {
  const days = await listPartitionDays(store, `labels/${model}/`);
  const pulled = (await Promise.all(days.map((day) => cache.pull(Key.labelPartition(model, day))))).flat();
  if (pulled.length === 0) return { windows: null, sources: [] };
  await defineTable(database, 'labels', pulled);
  const types = await explainCorruption(database, pulled, () => columnTypes(database, identifier('labels')));
  const where = `labels/${model}`;
  const missing = ['series', 'starts_at', 'ends_at'].filter((column) => !types.has(column));
  if (missing.length > 0) throw breach(missing.map((column) => noColumn(where, column)));
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE OR REPLACE TABLE windows AS
         SELECT DISTINCT series, starts_at::TIMESTAMPTZ AS starts_at, ends_at::TIMESTAMPTZ AS ends_at FROM labels`,
    ),
  );
  const findings = await checkRows(database, 'windows', where, ['series', 'starts_at', 'ends_at'], RULES);
  if (findings.length > 0) throw breach(findings);
  await database.execute(
    `DELETE FROM windows WHERE NOT EXISTS
       (FROM points WHERE points.series = windows.series AND points."time" BETWEEN starts_at AND ends_at)`,
  );
  const { rows } = await database.row<{ rows: number }>('SELECT count(*) AS rows FROM windows');
  if (rows === 0) return { windows: null, sources: [] };
  const path = join(cache.folder, 'windows.parquet');
  await database.execute(
    `COPY (FROM windows ORDER BY ALL) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return { windows: { path, rows }, sources: pulled };
}

const noColumn = (where: string, column: string): QualityFinding => ({
  where,
  check: `${column} is there`,
  found: `no column ${column}`,
  expected: 'the columns series, starts_at and ends_at',
  examples: [],
});
