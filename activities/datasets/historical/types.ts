import type { FeatureView } from '../../../contracts/model';
import type { PulledObject } from '../../../platform/partitions';

/** A Parquet file on this machine; messages call it by its key. */
export type OfflineFile = Pick<PulledObject, 'key' | 'path' | 'bytes'>;

/** What is wanted of one view. */
export interface HistoricalView {
  view: FeatureView;
  /** Its partitions: join keys, `event_timestamp`, `created_timestamp` and features. */
  files: readonly OfflineFile[];
  /** Each feature with the name of its column in the result. */
  columns: readonly { feature: string; as: string }[];
}

/**
 * Which rows count as known. `'row'`: those created at the frame row's own time or before, so that back-fills and
 * corrections made later leak nothing. `{ at }`: those created at that instant (ISO 8601 with a zone) or before. Without
 * it, all. A row without `created_timestamp` is not known to have been known: a cut leaves it out.
 */
export type AsKnown = 'row' | { at: string };

/** Columns as Feast names them. */
export const featureColumns = (view: string, features: readonly string[]): HistoricalView['columns'] =>
  features.map((feature) => ({ feature, as: `${view}__${feature}` }));
