import { loadNewest } from '../../../activities/features/load';
import type { Day } from '../../../contracts/days';
import { FEAST_PROJECT } from '../../../contracts/ids';
import type { FeatureView } from '../../../contracts/model';
import { createOnlineStore } from '../../../platform/online-store';
import { createRedis } from '../../../platform/redis';
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
  const load = (view: FeatureView, from: readonly string[]): Promise<unknown> =>
    loadNewest({
      view,
      asOf,
      online,
      folder,
      files: from.map((path) => ({ path, key: path, etag: '', bytes: 0 })),
      runKey: 'benchmark',
    });
  await load(warmUpView, warmUpFiles);
  await redis.flushall();
  if (before.length > 0) await load(materializedView, before);
  return [await timed(() => load(materializedView, files))];
});
