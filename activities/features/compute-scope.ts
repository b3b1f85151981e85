import type { Day } from '../../contracts/days';
import type { ComputeScope } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import type { PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import type { ComputedView } from './compute';
import { partitionHash, readReport, sourceHash } from './compute-report';
import { listSources } from './compute-sources';

export const isComputed = (view: FeatureView): view is ComputedView => view.transformation !== null;

/**
 * What becomes of a day: its partition is computed; one that was delivered is checked; it is kept as it stands; none was
 * delivered; or it is no concern of the scope.
 */
export type Action = 'compute' | 'check' | 'keep' | 'absent' | 'pass over';

/**
 * @param stands Whether the day has a partition.
 * @param isGap Whether an earlier day has one.
 */
export async function actionFor(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
  scope: ComputeScope,
  { stands, isGap }: { stands: boolean; isGap: boolean },
): Promise<Action> {
  if (!isComputed(view)) {
    if (!stands) return 'absent';
    return scope !== 'all' && (await wasChecked(store, cache, view, day)) ? 'keep' : 'check';
  }
  if (!stands) return scope === 'late' && !isGap ? 'pass over' : 'compute';
  if (scope === 'missing') return 'keep';
  if (scope === 'all') return 'compute';
  return (await wasComputedFromThis(store, cache, view, day)) ? 'keep' : 'compute';
}

/** Whether the partition that stands is one that passed its checks. */
async function wasChecked(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<boolean> {
  const report = await readReport(store, view, day);
  if (!report) return false;
  return report.partition === partitionHash(await cache.list(Key.featurePartition(view, day)));
}

/** Whether computing it anew could give nothing else: not where late or corrected rows came, or the SQL was changed. */
async function wasComputedFromThis(
  store: ObjectStore,
  cache: PartitionCache,
  view: ComputedView,
  day: Day,
): Promise<boolean> {
  const report = await readReport(store, view, day);
  if (report?.computedFrom !== sourceHash(view, await listSources(cache, view.sources, day))) return false;
  return report.partition === partitionHash(await cache.list(Key.featurePartition(view, day)));
}
