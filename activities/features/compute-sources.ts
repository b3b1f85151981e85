import { daysEndingWith, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import type { Database } from '../../platform/duckdb';
import { isHarmless, readDuckdbError } from '../../platform/duckdb-errors';
import {
  defineTable,
  explainCorruption,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { StoredObject } from '../../platform/s3';

/** The raw objects that a day is computed from, in no particular order. */
export async function listSources(
  cache: PartitionCache,
  sources: FeatureView['sources'],
  lastDay: Day,
): Promise<StoredObject[]> {
  const partitions = sources.flatMap(({ table, lookBackDays }) =>
    daysEndingWith(lastDay, lookBackDays).map((day) => Key.rawPartition(table, day)),
  );
  return (await Promise.all(partitions.map((partition) => cache.list(partition)))).flat();
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
 * @throws MeridianError CorruptObject naming the raw object; InvalidInput where the SQL is not accepted; DataQualityBreach
 * where it is, but cannot be carried out on these rows.
 */
export async function runTransformation(
  database: Database,
  sources: readonly PulledObject[],
  sql: string,
  day: Day,
  what: string,
): Promise<void> {
  try {
    await explainCorruption(database, sources, () => execute(database, sql, day, what));
  } catch (error) {
    const reason =
      error instanceof MeridianError ? null : readDuckdbError((error as Error).message, sql.trim());
    if (reason === null || isHarmless(reason)) throw error;
    throw new MeridianError(
      ErrorCode.DataQualityBreach,
      `${what}: the transformation for ${day} failed on the rows of ${partitionsOf(sources)}: ${reason.told}. ` +
        'Nothing was written, and values are not shown. Deliver the rows again, or let the SQL allow for them, then retry.',
    );
  }
}

/** In words, each table once: `raw/usage (dt=2026-11-14 to dt=2026-11-20)`. */
function partitionsOf(sources: readonly PulledObject[]): string {
  const days = new Map<string, string[]>();
  for (const { key } of sources) {
    const [, table, day] = /^(.*)\/(dt=[^/]+)\//.exec(key) ?? [];
    if (table !== undefined && day !== undefined) days.set(table, [...(days.get(table) ?? []), day].sort());
  }
  return [...days]
    .map(([table, all]) => `${table} (${[...new Set([all[0], all.at(-1)])].join(' to ')})`)
    .join(', ');
}

/** What the SQL itself brings about. */
const OF_THE_SQL: ReadonlySet<string> = new Set(['Binder', 'Parser', 'Catalog']);

/** @throws MeridianError InvalidInput where the SQL is not accepted (a column that no partition has, for example). */
async function execute(database: Database, sql: string, day: Day, what: string): Promise<void> {
  try {
    await database.execute(`CREATE OR REPLACE TABLE computed AS ${sql.trim().replace(/;$/, '')}`, { day });
  } catch (error) {
    const reason = readDuckdbError((error as Error).message, sql.trim());
    // What the data itself brings about is looked into by the caller.
    if (reason === null || !OF_THE_SQL.has(reason.kind)) throw error;
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `${what}: the transformation for ${day} was refused: ${reason.told}. Nothing was written. ` +
        'Correct the SQL, or deliver the columns it reads, and start again.',
    );
  }
}
