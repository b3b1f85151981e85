import { Context } from '@temporalio/activity';
import type { Day } from '../../contracts/days';
import { FEAST_PROJECT, Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { createOnlineStore } from '../../platform/online-store';
import { explainCorruption, withPartitionCache, type PartitionCache } from '../../platform/partitions';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { computeDay, type ComputedPartition } from './compute';
import { newestRows, verifySample, type MaterializeHeartbeat } from './materialize';
import { moveWatermark } from './watermark';

export type { ComputedPartition } from './compute';
export type { MaterializeHeartbeat } from './materialize';
export type { Watermark } from './watermark';

export interface FeatureDependencies {
  store: ObjectStore;
  redis: Redis;
  /** Feast's project; part of every key in Redis. */
  project?: string;
}

export interface ComputeFeaturesInput {
  view: FeatureView;
  days: Day[];
  /** Computes a day again although its partition is there; default false. */
  recompute?: boolean;
}

export interface ComputedFeatures {
  partitions: ComputedPartition[];
  /** Days of a view that others deliver, on which they delivered nothing: there is nothing to compute them from. */
  absent: Day[];
}

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

export function createFeatureActivities({ store, redis, project = FEAST_PROJECT }: FeatureDependencies) {
  const online = createOnlineStore(redis, project);

  return {
    /**
     * Computes the days that have no partition yet, oldest first, each checked before it is written. A view without a
     * transformation is delivered as it is, on whatever days it is delivered.
     * @throws MeridianError MissingObject or CorruptObject (naming the raw object), DataQualityBreach, InvalidInput.
     */
    computeFeatures: async ({
      view,
      days,
      recompute = false,
    }: ComputeFeaturesInput): Promise<ComputedFeatures> =>
      withPartitionCache(store, async (cache) => {
        const partitions: ComputedPartition[] = [];
        const absent: Day[] = [];
        for (const [done, day] of [...days].sort().entries()) {
          heartbeat({ phase: 'computing', view: view.name, day, done, of: days.length });
          const { transformation } = view;
          const stands = (await store.list(Key.featurePartition(view, day))).length > 0;
          if (stands && (transformation === null || !recompute))
            partitions.push(await standing(cache, view, day));
          else if (transformation === null) absent.push(day);
          else partitions.push(await computeDay(store, cache, { ...view, transformation }, day, new Date()));
        }
        return { partitions, absent };
      }),

    /**
     * Loads the newest row of every entity alive at the end of `asOf` into the online store, chunk by chunk, reads a
     * sample back, and moves the watermark.
     */
    materializeView: async ({ view, asOf, runKey }: MaterializeViewInput): Promise<MaterializedView> => {
      const last = Context.current().info.heartbeatDetails as MaterializeHeartbeat | undefined;
      return withPartitionCache(store, async (cache) => {
        heartbeat({
          phase: 'reading',
          view: view.name,
          chunk: 0,
          of: 0,
          written: 0,
        } satisfies MaterializeHeartbeat);
        const newest = await newestRows(store, cache, view, asOf);
        try {
          const of = newest.chunks;
          // Chunks are cut by a hash of the entity, so that those an earlier attempt has loaded can be passed over.
          const resumed = last?.phase === 'writing' && last.of === of;
          let written = resumed ? last.written : 0;
          for (let chunk = resumed ? last.chunk : 0; chunk < of; chunk++) {
            heartbeat({
              phase: 'writing',
              view: view.name,
              chunk,
              of,
              written,
            } satisfies MaterializeHeartbeat);
            written += (await online.write(view, await newest.rows(chunk))).written;
          }
          heartbeat({
            phase: 'verifying',
            view: view.name,
            chunk: of,
            of,
            written,
          } satisfies MaterializeHeartbeat);
          const verified = await verifySample(online, view, await newest.sample(runKey));
          const watermark = await moveWatermark(store, {
            view: view.name,
            version: view.version,
            asOf,
            newestEvent:
              newest.newestEvent === null ? null : new Date(newest.newestEvent / 1000).toISOString(),
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
    },
  };

  async function standing(cache: PartitionCache, view: FeatureView, day: Day): Promise<ComputedPartition> {
    const partition = Key.featurePartition(view, day);
    const pulled = await cache.pull(partition);
    const rows = await withDatabase((database) =>
      explainCorruption(database, pulled, async () => {
        const files = parquetFiles(pulled.map(({ path }) => path));
        return (await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${files}`)).rows;
      }),
    );
    return { day, key: pulled.length === 1 ? pulled[0]!.key : partition, rows, computed: false };
  }
}
