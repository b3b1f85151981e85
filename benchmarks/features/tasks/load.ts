import { basename, dirname } from 'node:path';
import { newestRows, verifySample } from '../../../activities/features/materialize';
import type { Day } from '../../../contracts/days';
import { FEAST_PROJECT } from '../../../contracts/ids';
import type { FeatureView } from '../../../contracts/model';
import { createOnlineStore } from '../../../platform/online-store';
import type { PartitionCache } from '../../../platform/partitions';
import { createRedis } from '../../../platform/redis';
import type { ObjectStore } from '../../../platform/s3';
import { materializedView, warmUpView } from '../data';
import { runTask, timed } from './task';

export interface LoadRequest {
  redisUrl: string;
  /** Where the load may spill. */
  folder: string;
  files: string[];
  /** Loaded before, untimed; none for an empty store. */
  before: string[];
  warmUpFiles: string[];
  asOf: Day;
}

/** Loads the newest row of every entity from local partitions: newest wins, a sample is read back. */
runTask(async ({ redisUrl, folder, files, before, warmUpFiles, asOf }: LoadRequest) => {
  const redis = createRedis({ redisUrl });
  const online = createOnlineStore(redis, FEAST_PROJECT);
  const load = async (view: FeatureView, from: readonly string[]): Promise<void> => {
    const store = {
      uri: String,
      listFolders: async () => [...new Set(from.map((path) => basename(dirname(path))))],
    } as unknown as ObjectStore;
    const cache = {
      folder,
      pull: async (key: string) =>
        from
          .filter((path) => key.includes(basename(dirname(path))))
          .map((path) => ({ path, key: path, etag: '', bytes: 0 })),
    } as unknown as PartitionCache;
    const newest = await newestRows(store, cache, view, asOf);
    for (let chunk = 0; chunk < newest.chunks; chunk++) await online.write(view, await newest.rows(chunk));
    await verifySample(online, view, await newest.sample('benchmark'));
    newest.close();
  };
  await load(warmUpView, warmUpFiles);
  await redis.flushall();
  if (before.length > 0) await load(materializedView, before);
  return [await timed(() => load(materializedView, files))];
});
