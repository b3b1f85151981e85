import { withPartitionCache } from '../../../platform/partitions';
import type { ObjectStore } from '../../../platform/s3';
import { heartbeat } from '../../progress';
import { keepReport } from '../validate';
import { buildSeriesSnapshot, type SeriesSnapshot, type SeriesSnapshotRequest } from './snapshot';

export type { SeriesSnapshot, SeriesSnapshotRequest } from './snapshot';

/** Datasets of models that learn from raw series, without labels. */
export function createSeriesDatasetActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * Checks the points of the declared days and makes the dataset of one training: immutable, and the same again for the
     * same request over the same points. What was checked is kept at `<prefix>quality.json`.
     * @throws MeridianError MissingObject, CorruptObject, DataQualityBreach listing what is wrong, series by series.
     */
    snapshotSeries: async (request: SeriesSnapshotRequest): Promise<SeriesSnapshot> => {
      heartbeat({ phase: 'checking points', model: request.declaration.name });
      const built = await withPartitionCache(store, (cache) => buildSeriesSnapshot(store, cache, request));
      await keepReport(store, built.snapshot, built.report);
      return built;
    },
  };
}
