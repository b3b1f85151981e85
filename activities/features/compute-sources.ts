import { daysEndingWith, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import type { Database } from '../../platform/duckdb';
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
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n') as [string];
    if (cause instanceof MeridianError || !DATA_ERROR.test(reason)) throw cause;
    throw new MeridianError(
      ErrorCode.DataQualityBreach,
      `${what}: the transformation for ${day} failed on its rows: ${withoutValues(reason)}. Nothing was written. ` +
        'Deliver the rows again, or let the SQL allow for them, then retry.',
      [],
      { cause },
    );
  }
}

/** Nobody has said which columns of a raw table are personal: no value of one is told. */
const withoutValues = (reason: string): string => reason.replace(/'([^']*)'/g, (_, value) => mask(value));

/** What a value brings about: text that is no number, a number that is too large, a division that is not defined. */
const DATA_ERROR = /^(Conversion|Out of Range|Invalid Input) Error/;
/** What the SQL itself brings about. (A statement that does not parse is refused in other words.) */
const SQL_ERROR = /^(Failed to extract statements: )?(Binder|Parser|Catalog) Error/;

/** @throws MeridianError InvalidInput where the SQL is not accepted (a column that no partition has, for example). */
async function execute(database: Database, sql: string, day: Day, what: string): Promise<void> {
  try {
    await database.execute(`CREATE OR REPLACE TABLE computed AS ${sql.trim().replace(/;$/, '')}`, { day });
  } catch (cause) {
    const reason = (cause as Error).message;
    // What the data itself brings about is looked into by the caller.
    if (!SQL_ERROR.test(reason)) throw cause;
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `${what}: the transformation for ${day} was refused: ${reason}. Nothing was written. ` +
        'Correct the SQL, or deliver the columns it reads, and start again.',
      [],
      { cause },
    );
  }
}
