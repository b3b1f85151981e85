import type { FeatureView } from '../../contracts/model';
import { readFeatureView } from '../../platform/feature-views';
import type { ObjectStore } from '../../platform/s3';

/** How long a definition is trusted, in milliseconds: a request costs no look at S3, a new version is soon known. */
const FRESH_MS = 5_000;

/** Finds a published view by name. @throws MeridianError InvalidInput where there is none. */
export type FindView = (name: string) => Promise<FeatureView>;

/** Finds views in the registry; only those that are there are remembered, so that nobody fills the memory with names. */
export function createViewFinder(store: ObjectStore, now: () => number = Date.now): FindView {
  const known = new Map<string, { view: FeatureView; until: number }>();
  return async (name) => {
    const found = known.get(name);
    if (found && now() < found.until) return found.view;
    const view = await readFeatureView(store, name);
    known.set(name, { view, until: now() + FRESH_MS });
    return view;
  };
}
