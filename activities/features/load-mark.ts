import { randomUUID } from 'node:crypto';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import type { OnlineStore } from '../../platform/online-store';
import type { Watermark } from './watermark';

/**
 * Whether the online store may have lost what the watermark says is loaded: it was emptied, restored from a copy from
 * before, or replaced. The load that moves the watermark leaves the same mark in both; one that is killed in between costs
 * the next a full load. To be called before rows are written; see `requireKept`.
 * @throws MeridianError DependencyUnavailable.
 */
export async function mayHaveLost(
  online: OnlineStore,
  view: FeatureView,
  watermark: Watermark | null,
): Promise<boolean> {
  const mark = await online.loadMark(view);
  if (mark === null) await online.setLoadMark(view, randomUUID());
  return watermark !== null && watermark.mark !== mark;
}

/** @throws MeridianError DependencyUnavailable where the store has been emptied since `mayHaveLost` was asked. */
export async function requireKept(online: OnlineStore, view: FeatureView): Promise<void> {
  if ((await online.loadMark(view)) !== null) return;
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    `features/${storedName(view)}: Redis was emptied while its rows were written. All are loaded again.`,
  );
}

/**
 * Makes the next attempt load the view as a whole, also where this one is killed here: entities whose rows were withdrawn
 * offline may have older ones there, which this load has not read.
 * @throws MeridianError Conflict (retryable), always.
 */
export async function reloadAll(online: OnlineStore, view: FeatureView, withdrawn: number): Promise<never> {
  await online.setLoadMark(view, randomUUID());
  throw new MeridianError(
    ErrorCode.Conflict,
    `features/${storedName(view)}: found rows of ${withdrawn} entities online that no longer stand in the partitions. ` +
      'All partitions are read to find what stands instead.',
    [],
    { retryable: true },
  );
}
