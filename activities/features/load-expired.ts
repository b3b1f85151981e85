import type { Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { identifier, parquetFiles, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import type { OnlineStore } from '../../platform/online-store';
import type { PulledObject } from '../../platform/partitions';
import { endOfDayMicros } from './newest';

const ENTITIES_AT_A_TIME = 10_000;

/**
 * Takes a view's row out of the entities that have vanished: whose rows in these partitions were alive once, and who have
 * none among those just loaded (the table `newest`). A row that stands because it was pushed meanwhile stays.
 * @returns How many rows were removed.
 */
export async function removeExpired(
  database: Database,
  online: OnlineStore,
  view: FeatureView,
  files: readonly PulledObject[],
  asOf: Day,
): Promise<number> {
  if (files.length === 0) return 0;
  const before = endOfDayMicros(asOf) - BigInt(view.ttlSeconds) * 1_000_000n;
  const names = view.entity.joinKeys.map(({ name }) => name);
  const keys = names.map(identifier).join(', ');
  const typed = view.entity.joinKeys.map(
    ({ name, type }) => `TRY_CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
  );
  const result = await database.stream(
    `SELECT DISTINCT ${keys} FROM (
       SELECT ${typed.join(', ')} FROM ${parquetFiles(files.map(({ path }) => path))}
       WHERE epoch_us(event_timestamp::TIMESTAMPTZ) < ${before})
     WHERE ${names.map((name) => `${identifier(name)} IS NOT NULL`).join(' AND ')}
       AND hash(${keys}) NOT IN (SELECT entity_hash FROM newest)`,
  );
  let removed = 0;
  let entities: Record<string, unknown>[] = [];
  for (let data = await result.fetchChunk(); data?.rowCount; data = await result.fetchChunk()) {
    for (const values of data.getRows())
      entities.push(Object.fromEntries(names.map((name, index) => [name, values[index]])));
    if (entities.length < ENTITIES_AT_A_TIME) continue;
    removed += await online.removeStale(view, entities, before);
    entities = [];
  }
  return removed + (await online.removeStale(view, entities, before));
}
