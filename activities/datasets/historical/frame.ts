import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { type Database } from '../../../platform/duckdb';
import { columnTypes, HOLDS } from '../../../platform/duckdb-types';
import { misfit, TIMES } from './schema';
import type { AskedTimes } from './partitions';
import type { HistoricalView } from './types';

/** The frame's rows with two columns more. */
export const FRAME = 'historical_frame';
/** The row's number, in the frame's order. */
export const ROW = '__row';
/** Its `event_timestamp` in microseconds since 1970; null where there is none, or an infinite one. */
export const TIME = '__time';

/** The number of a row's entity. */
export const ENTITY = '__entity';

const EVENT = 'event_timestamp';

/**
 * Reads the frame once, as the table FRAME.
 * @param from A table's name, or `read_parquet(…)`.
 * @param what What to call it in messages.
 * @throws MeridianError InvalidInput naming the column that is missing, of another type, or taken.
 */
export async function loadFrame(
  database: Database,
  from: string,
  what: string,
  views: readonly HistoricalView[],
): Promise<void> {
  const types = await readable(what, () => columnTypes(database, from));
  requireColumn(types, what, EVENT, TIMES, 'a timestamp');
  for (const { view } of views) {
    for (const { name, type } of view.entity.joinKeys)
      requireColumn(types, what, name, HOLDS[type], `the ${type} join key of ${view.name}`);
  }
  refuseTakenNames([...types.keys()], what, views);
  await readable(what, () =>
    database.execute(
      `CREATE OR REPLACE TEMP TABLE ${FRAME} AS
         SELECT *, row_number() OVER () AS ${ROW}, epoch_us(${EVENT}) AS ${TIME} FROM ${from}`,
    ),
  );
}

/**
 * The times that a frame asks about, day by day, so that what lies between two of its days need not be read.
 * @throws MeridianError InvalidInput where it has no times.
 */
export async function askedTimes(database: Database, from: string, what: string): Promise<AskedTimes[]> {
  requireColumn(await readable(what, () => columnTypes(database, from)), what, EVENT, TIMES, 'a timestamp');
  const days = await readable(what, () =>
    database.rows<{ first: number | bigint; last: number | bigint }>(
      `SELECT min(time) AS first, max(time) AS last FROM (SELECT epoch_us(${EVENT}) AS time FROM ${from})
       WHERE time IS NOT NULL GROUP BY time // 86_400_000_000`,
    ),
  );
  return days.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }));
}

async function readable<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]!;
    const message = `${what}: expected a readable Parquet file, found one that is not: ${reason}. Nothing was written.`;
    throw new MeridianError(ErrorCode.InvalidInput, message, [], { cause });
  }
}

function requireColumn(
  types: ReadonlyMap<string, string>,
  what: string,
  name: string,
  fits: RegExp,
  meaning: string,
): void {
  const type = types.get(name);
  if (type !== undefined && fits.test(type)) return;
  const found = type === undefined ? `no column ${name}` : `the column ${name} as ${type}`;
  const expected = `${name}: ${meaning}`;
  throw misfit(ErrorCode.InvalidInput, what, name, found, expected, 'Nothing was written. Mend the frame.');
}

/** Every column of the result needs a name of its own (DuckDB takes no notice of case). */
function refuseTakenNames(own: readonly string[], what: string, views: readonly HistoricalView[]): void {
  const taken = new Set<string>();
  for (const name of [
    ROW,
    TIME,
    ENTITY,
    ...own,
    ...views.flatMap(({ columns }) => columns.map(({ as }) => as)),
  ]) {
    if (taken.has(name.toLowerCase())) {
      const advice = 'Nothing was written. Rename the column, or ask for each feature once.';
      const expected = 'each column of the result once';
      throw misfit(ErrorCode.InvalidInput, what, name, `${name} twice`, expected, advice);
    }
    taken.add(name.toLowerCase());
  }
}
