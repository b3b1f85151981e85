import { join } from 'node:path';
import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes, type TypedColumn } from '../../platform/duckdb-types';
import type { PartitionCache, PulledObject } from '../../platform/partitions';
import type { ObjectStore, StoredObject } from '../../platform/s3';
import { joinKeyNames } from './columns';

const FILE = 'part-0.parquet';

/** What stands as the partition now. */
export interface PublishedPartition {
  objects: readonly StoredObject[];
  /** False where it stood already, row by row. */
  written: boolean;
}

/**
 * Writes the rows of `__partition` as the day's partition, ordered by join keys. A row that stood there with the same values
 * keeps its created time, which tells since when they are known; where all did, nothing is written.
 * @throws MeridianError Conflict where other Parquet files lie in the partition: their rows would count too, and somebody
 * has put them there.
 */
export async function publishPartition(
  store: ObjectStore,
  database: Database,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<PublishedPartition> {
  const partition = Key.featurePartition(view, day);
  cache.forget(partition);
  const standing = await cache.list(partition);
  refuseStrays(store, partition, standing);
  const isComparable =
    standing.length > 0 && (await defineBefore(database, view, await cache.pull(partition)));
  if (isComparable && (await isUnchanged(database, view))) return { objects: standing, written: false };

  const path = join(cache.folder, `${view.name}-${day}.parquet`);
  const rows = isComparable ? withCreatedTimes(view) : 'SELECT * FROM __partition';
  await database.execute(
    `COPY (${rows} ORDER BY ${joinKeyNames(view).map(identifier).join(', ')})
     TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  await store.upload(path, partition + FILE);
  cache.forget(partition);
  const objects = await cache.list(partition);
  refuseStrays(store, partition, objects);
  return { objects, written: true };
}

function refuseStrays(store: ObjectStore, partition: string, objects: readonly StoredObject[]): void {
  const strays = objects.map(({ key }) => key.slice(partition.length)).filter((name) => name !== FILE);
  if (strays.length === 0) return;
  const found = strays.join(', ');
  throw new MeridianError(
    ErrorCode.Conflict,
    `${store.uri(partition)}: expected ${FILE} alone, which the view's transformation writes, found ${found}. ` +
      'Their rows would count as well. Remove them, or give what others deliver a view of its own, then retry.',
    [{ field: partition, found, expected: FILE }],
  );
}

/**
 * Leaves the rows that stand in the table `__before`.
 * @returns Whether they can be compared with those of `__partition`: whole, of the same columns, each entity once.
 */
async function defineBefore(
  database: Database,
  view: FeatureView,
  pulled: readonly PulledObject[],
): Promise<boolean> {
  const files = parquetFiles(pulled.map(({ path }) => path));
  try {
    const [now, before] = [await columnTypes(database, '__partition'), await columnTypes(database, files)];
    if (JSON.stringify([...now]) !== JSON.stringify([...before])) return false;
    await database.execute(`CREATE TABLE __before AS SELECT * FROM ${files}`);
  } catch {
    // What cannot be read is written again.
    return false;
  }
  const keys = joinKeyNames(view).map(identifier).join(', ');
  const { repeated } = await database.row<{ repeated: number }>(
    `SELECT count(*) AS repeated FROM (SELECT 1 FROM __before GROUP BY ${keys} HAVING count(*) > 1)`,
  );
  return repeated === 0;
}

async function isUnchanged(database: Database, view: FeatureView): Promise<boolean> {
  const { changed } = await database.row<{ changed: number }>(
    `SELECT count(*) AS changed FROM __partition AS now FULL JOIN __before AS before ON ${same(view)}
     WHERE now.event_timestamp IS NULL OR before.event_timestamp IS NULL`,
  );
  return changed === 0;
}

const withCreatedTimes = (view: FeatureView): string =>
  `SELECT now.* REPLACE (coalesce(before.created_timestamp, now.created_timestamp) AS created_timestamp)
   FROM __partition AS now LEFT JOIN __before AS before ON ${same(view)}`;

/** SQL condition: the rows of `now` and `before` are the same to the bit. Join keys are never null here. */
const same = (view: FeatureView): string =>
  [
    ...joinKeyNames(view).map((name) => `now.${identifier(name)} = before.${identifier(name)}`),
    'now.event_timestamp = before.event_timestamp',
    ...view.features.flatMap(sameValues),
  ].join(' AND ');

function sameValues({ name, type }: TypedColumn): string[] {
  const sides = ['now', 'before'].map((side) => `${side}.${identifier(name)}`);
  const equal = sides.join(' IS NOT DISTINCT FROM ');
  if (type !== 'double' && type !== 'float') return [equal];
  // For SQL −0 equals 0.
  return [equal, sides.map((value) => `signbit(${value})`).join(' IS NOT DISTINCT FROM ')];
}
