import { Context } from '@temporalio/activity';
import type { Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore } from '../../platform/online-store';
import { withPartitionCache } from '../../platform/partitions';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { newestRows, verifySample, type MaterializeHeartbeat } from './materialize';
import { moveWatermark } from './watermark';

export interface MaterializeViewInput {
  view: FeatureView;
  /** The newest day whose rows are loaded. */
  asOf: Day;
  /** Names the load in the watermark. */
  runKey: string;
}

export interface MaterializedView {
  entities: number;
  written: number;
  /** Rows that were not newer than what stood there. */
  skipped: number;
  /** Entities read back and compared. */
  verified: number;
  /** The day up to which the online store is loaded now. */
  watermark: Day;
}

export interface MaterializeDependencies {
  store: ObjectStore;
  redis: Redis;
  project: string;
}

/**
 * The activity `materializeView`: loads the newest row of every entity alive at the end of `asOf` into the online
 * store, chunk by chunk, reads a sample back, and moves the watermark.
 */
export function createMaterializeView({ store, redis, project }: MaterializeDependencies) {
  const online = createOnlineStore(redis, project);

  return async ({ view, asOf, runKey }: MaterializeViewInput): Promise<MaterializedView> => {
    const last = Context.current().info.heartbeatDetails as MaterializeHeartbeat | undefined;
    return withPartitionCache(store, async (cache) => {
      const tell = (progress: Omit<MaterializeHeartbeat, 'view'>): void =>
        heartbeat({ ...progress, view: view.name } satisfies MaterializeHeartbeat);
      tell({ phase: 'reading', chunk: 0, of: 0, written: 0 });
      const newest = await newestRows(store, cache, view, asOf);
      try {
        const of = newest.chunks;
        // Chunks are cut by a hash of the entity, so that those an earlier attempt has loaded can be passed over.
        const resumed = last?.phase === 'writing' && last.of === of;
        let written = resumed ? last.written : 0;
        for (let chunk = resumed ? last.chunk : 0; chunk < of; chunk++) {
          tell({ phase: 'writing', chunk, of, written });
          written += (await online.write(view, await newest.rows(chunk))).written;
        }
        tell({ phase: 'verifying', chunk: of, of, written });
        const verified = await verifySample(online, view, await newest.sample(runKey));
        const watermark = await moveWatermark(store, {
          view: view.name,
          version: view.version,
          asOf,
          newestEvent: newest.newestEvent === null ? null : new Date(newest.newestEvent / 1000).toISOString(),
          runKey,
          entities: newest.entities,
          movedAt: new Date().toISOString(),
        });
        const skipped = newest.entities - written;
        return { entities: newest.entities, written, skipped, verified, watermark: watermark.asOf };
      } finally {
        newest.close();
      }
    });
  };
}
