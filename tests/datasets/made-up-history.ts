import { join } from 'node:path';
import type { AsKnown } from '../../activities/datasets/historical';
import type { FeatureView } from '../../contracts/model';
import { literal, type Database } from '../../platform/duckdb';

/** Rows of frames and views by hand, written to Parquet, and the plain answer to a join of them. */

export type Key = 'a' | 'b';
export interface FeatureRow {
  a: string | null;
  b: number | null;
  /** Microseconds since 1970. */
  event: number | null;
  created: number | null;
  real: number | null;
  whole: bigint | null;
}
export interface FrameRow {
  a: string | null;
  b: number | null;
  at: number | null;
}

export const SECOND = 1_000_000;
export const BASE = Date.UTC(2026, 2, 8, 9, 59, 58) * 1000;

/** The obviously correct answer: look at every row, in the order of the files. */
export function plainJoin(
  row: FrameRow,
  keys: readonly Key[],
  ttlSeconds: number,
  rows: readonly FeatureRow[],
  asKnown: AsKnown | undefined,
): FeatureRow | undefined {
  let best: FeatureRow | undefined;
  for (const candidate of rows) {
    if (row.at === null || candidate.event === null) continue;
    if (keys.some((key) => row[key] === null || row[key] !== candidate[key])) continue;
    if (candidate.event > row.at) continue;
    if (ttlSeconds > 0 && candidate.event < row.at - ttlSeconds * SECOND) continue;
    if (asKnown !== undefined) {
      const known = asKnown === 'row' ? row.at : Date.parse(asKnown.at) * 1000;
      if (candidate.created === null || candidate.created > known) continue;
    }
    const isOlder =
      best !== undefined &&
      (candidate.event < best.event! ||
        (candidate.event === best.event && (candidate.created ?? -Infinity) < (best.created ?? -Infinity)));
    if (!isOlder) best = candidate;
  }
  return best;
}

export const viewOf = (name: string, keys: readonly Key[], ttlSeconds: number): FeatureView => ({
  name,
  version: 1,
  description: '',
  owner: 'tests',
  entity: {
    name: 'e',
    joinKeys: keys.map((key) => ({ name: key, type: key === 'a' ? 'string' : 'int64' })),
  },
  ttlSeconds,
  features: [
    { name: 'real', type: 'double' },
    { name: 'whole', type: 'int64' },
  ],
  sources: [],
  transformation: null,
});

const instant = (microseconds: number | null, type: string): string =>
  microseconds === null ? `NULL::${type}` : `make_timestamp(${microseconds}::BIGINT)::${type}`;
const text = (value: string | null): string => (value === null ? 'NULL::VARCHAR' : literal(value));
const double = (value: number | null): string =>
  value === null ? 'NULL::DOUBLE' : `'${Object.is(value, -0) ? '-0.0' : value}'::DOUBLE`;

/** Where the files go, and what writes them. */
export interface Desk {
  folder: string;
  database: Database;
}

async function write(
  { folder, database }: Desk,
  file: string,
  columns: string,
  rows: readonly string[],
): Promise<string> {
  const path = join(folder, file);
  const none = columns.replaceAll(/(\w+) (\w+)/g, 'NULL::$2 AS $1');
  const names = columns.replaceAll(/ \w+(?=,|$)/g, '');
  const query =
    rows.length > 0
      ? `SELECT * FROM (VALUES ${rows.map((row) => `(${row})`).join(', ')}) AS t(${names})`
      : `SELECT ${none} WHERE false`;
  await database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet)`);
  return path;
}

export const writeFeatures = (
  desk: Desk,
  file: string,
  rows: readonly FeatureRow[],
  type: string,
): Promise<string> =>
  write(
    desk,
    file,
    `a VARCHAR, b BIGINT, event_timestamp ${type}, created_timestamp ${type}, real DOUBLE, whole BIGINT`,
    rows.map((row) =>
      [
        text(row.a),
        `${row.b}::BIGINT`,
        instant(row.event, type),
        instant(row.created, type),
        double(row.real),
        row.whole === null ? 'NULL::BIGINT' : `'${row.whole}'::BIGINT`,
      ].join(', '),
    ),
  );

export const writeFrame = (desk: Desk, rows: readonly FrameRow[], type: string): Promise<string> =>
  write(
    desk,
    'frame.parquet',
    `n INTEGER, a VARCHAR, b BIGINT, event_timestamp ${type}`,
    rows.map((row, n) => [n, text(row.a), `${row.b}::BIGINT`, instant(row.at, type)].join(', ')),
  );
