import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { limit } from './concurrency';
import { identifier, literal, type Database } from './duckdb';
import type { ObjectStore, StoredObject } from './s3';
import { createWorkFolder } from './work-folder';

/** An object as it lies on this machine. */
export interface PulledObject extends StoredObject {
  path: string;
}

const DOWNLOADS_IN_FLIGHT = 16;

/**
 * Daily partitions (`<prefix>dt=YYYY-MM-DD/*.parquet`) pulled to a folder of their own, each object once. DuckDB then
 * reads local files.
 */
export interface PartitionCache {
  /** For files of one's own beside the pulled ones. */
  readonly folder: string;
  /** The objects of one partition, as they were when it was first asked for; none where it holds no Parquet file. */
  list(partition: string): Promise<readonly StoredObject[]>;
  /**
   * The objects of one partition, e.g. of `raw/usage/dt=2026-11-20/`, and exactly those listed.
   * @throws MeridianError MissingObject where the partition holds no Parquet file; Conflict (retryable) where an object
   * was replaced since it was listed.
   */
  pull(partition: string): Promise<readonly PulledObject[]>;
  /** After one has written to the partition: it is listed and pulled anew. */
  forget(partition: string): void;
  dispose(): Promise<void>;
}

async function createPartitionCache(store: ObjectStore): Promise<PartitionCache> {
  const folder = await createWorkFolder();
  const listed = new Map<string, Promise<StoredObject[]>>();
  const pulled = new Map<string, Promise<PulledObject[]>>();
  const downloads: Promise<void>[] = [];
  const limited = limit(DOWNLOADS_IN_FLIGHT);

  const list = (partition: string): Promise<StoredObject[]> => {
    let objects = listed.get(partition);
    if (!objects) listed.set(partition, (objects = limited(() => listPartition(store, partition))));
    return objects;
  };

  const fetchPartition = async (partition: string): Promise<PulledObject[]> => {
    const objects = await list(partition);
    if (objects.length === 0) throw missingPartition(store, partition);
    return Promise.all(
      objects.map(async (object) => {
        const path = join(folder, object.key);
        const download = limited(() => store.download(object.key, path, object));
        downloads.push(download);
        await download;
        return { ...object, path };
      }),
    );
  };

  return {
    folder,
    list,
    pull(partition) {
      let objects = pulled.get(partition);
      if (!objects) pulled.set(partition, (objects = fetchPartition(partition)));
      return objects;
    },
    forget(partition) {
      listed.delete(partition);
      pulled.delete(partition);
    },
    async dispose() {
      // Downloads that nobody waits for any more would write into the folder while it is removed.
      await Promise.allSettled([...pulled.values(), ...downloads]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Gives `use` a cache that is gone afterwards. */
export async function withPartitionCache<T>(
  store: ObjectStore,
  use: (cache: PartitionCache) => Promise<T>,
): Promise<T> {
  const cache = await createPartitionCache(store);
  try {
    return await use(cache);
  } finally {
    await cache.dispose();
  }
}

/** The Parquet files of one partition. */
export const listPartition = async (store: ObjectStore, partition: string): Promise<StoredObject[]> =>
  (await store.list(partition)).filter(({ key }) => key.endsWith('.parquet'));

const missingPartition = (store: ObjectStore, partition: string): MeridianError =>
  new MeridianError(
    ErrorCode.MissingObject,
    `${store.uri(partition)}: expected a Parquet file, found none. Nothing was written. ` +
      'Check that what delivers this partition has run, then retry.',
  );

/** Days to look at, both included; without one of them there is no bound on that side. */
export interface DayWindow {
  from?: string;
  to?: string;
}

/**
 * The days that have a partition below the prefix (`features/customer_usage/`), oldest first. Only what lies in the window
 * is listed, so that a long history costs nothing.
 */
export async function listPartitionDays(
  store: ObjectStore,
  prefix: string,
  { from, to }: DayWindow = {},
): Promise<string[]> {
  const folders = await store.listFolders(prefix, {
    from: from === undefined ? undefined : `dt=${from}`,
    to: to === undefined ? undefined : `dt=${to}`,
  });
  return folders
    .map((folder) => /^dt=(\d{4}-\d{2}-\d{2})$/.exec(folder)?.[1])
    .filter((day): day is string => day !== undefined)
    .sort();
}

/** Makes pulled objects one view, with the partition's day as the column `dt` (DATE). */
export async function defineTable(
  database: Database,
  name: string,
  objects: readonly PulledObject[],
): Promise<void> {
  const files = objects.map(({ path }) => literal(path)).join(', ');
  await explainCorruption(database, objects, () =>
    database.execute(
      `CREATE OR REPLACE VIEW ${identifier(name)} AS SELECT * FROM read_parquet([${files}], ` +
        `union_by_name = true, hive_partitioning = true, hive_types = {'dt': DATE})`,
    ),
  );
}

/**
 * Runs what reads the objects; where it fails, looks for the object that cannot be read and names it.
 * @throws MeridianError CorruptObject; or the original error where every object can be read.
 */
export async function explainCorruption<T>(
  database: Database,
  objects: readonly Pick<PulledObject, 'key' | 'path' | 'bytes'>[],
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    for (const { key, path, bytes } of objects) {
      try {
        // Touches every page of every column.
        await database.rows(`SELECT sum(hash(t)::HUGEINT) FROM read_parquet(${literal(path)}) AS t`);
      } catch (cause) {
        // What follows the first line is the query, which was ours.
        const [line] = (cause as Error).message.replaceAll(path, key).split('\n') as [string];
        // Text that is not UTF-8 it shows, whose ever it is.
        const reason = line.replace(/ value ".*/, ' a value that is not shown');
        throw new MeridianError(
          ErrorCode.CorruptObject,
          `${key}: expected a readable Parquet file, found ${bytes} bytes that are none: ${reason}. ` +
            'Nothing was written. Deliver the object again, then retry.',
          [],
          { cause },
        );
      }
    }
    throw error;
  }
}
