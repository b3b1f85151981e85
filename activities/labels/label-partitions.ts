import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import { listPartitionDays, type PartitionCache, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';

/** The objects of every partition of labels from that day on. */
export async function pullLabels(
  store: ObjectStore,
  cache: PartitionCache,
  model: string,
  from: Day,
): Promise<(PulledObject & { day: Day })[]> {
  const days = await listPartitionDays(store, `labels/${model}/`, { from });
  const partitions = await Promise.all(
    days.map(async (day) => {
      const partition = Key.labelPartition(model, day);
      const objects = (await cache.list(partition)).length > 0 ? await cache.pull(partition) : [];
      return objects.map((object) => ({ ...object, day }));
    }),
  );
  return partitions.flat();
}
