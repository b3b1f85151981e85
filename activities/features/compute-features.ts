import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { explainCorruption, withPartitionCache, type PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { computeDay, type ComputedPartition } from './compute';

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

/**
 * The activity `computeFeatures`: computes the days that have no partition yet, oldest first, each checked before it is
 * written. A view without a transformation is delivered as it is, on whatever days it is delivered.
 * @throws MeridianError MissingObject or CorruptObject (naming the raw object), DataQualityBreach, InvalidInput.
 */
export const createComputeFeatures =
  ({ store }: { store: ObjectStore }) =>
  async ({ view, days, recompute = false }: ComputeFeaturesInput): Promise<ComputedFeatures> =>
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
    });

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
