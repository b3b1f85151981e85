import { join } from 'node:path';
import type { FeatureView } from '../../../contracts/model';
import { withDatabase } from '../../../platform/duckdb';
import type { PartitionCache } from '../../../platform/partitions';
import type { ObjectStore } from '../../../platform/s3';
import { readOptOuts } from '../../privacy/opt-outs';
import { withOwned } from '../../privacy/owned';
import { askedTimes } from './frame';
import { joinHistorical, readFrame, requireFile, type JoinedFrame, type LocalJoin } from './local';
import { pullVisible } from './partitions';
import { featureColumns, type HistoricalView } from './types';

export interface HistoricalRequest extends Pick<LocalJoin, 'frame' | 'out' | 'asKnown'> {
  features: readonly { view: FeatureView; features: readonly string[] }[];
}

/**
 * Joins a frame (a local Parquet file) with features from the offline store: columns `<view>__<feature>` beside its own.
 * Only partitions that the frame's times can see are pulled. Rows of who asked to be left out, and of what belongs to
 * them, are kept, without features.
 * @throws MeridianError InvalidInput about the frame or the features; MissingObject where a view has no partition that
 * the frame could see; CorruptObject naming a partition.
 */
export async function getHistoricalFeatures(
  store: ObjectStore,
  cache: PartitionCache,
  { frame, out, asKnown, features }: HistoricalRequest,
): Promise<JoinedFrame> {
  await requireFile(frame);
  const asked = await withDatabase((database) => askedTimes(database, readFrame(frame), frame));
  const views: HistoricalView[] = [];
  for (const { view, features: names } of features) {
    const files = await pullVisible(store, cache, view, asked);
    views.push({ view, files, columns: featureColumns(view.name, names) });
  }
  return joinHistorical({
    frame,
    out,
    asKnown,
    views,
    keep: async (database) => {
      const asking = views.map(({ view }) => view);
      const optOuts = await readOptOuts(store, cache, database, asking);
      return (await withOwned(database, optOuts, views)).condition;
    },
    database: { temporaryFolder: join(cache.folder, 'spill') },
  });
}
