import type { FeatureView } from '../../contracts/model';
import { readViewVersions, unknownView } from '../../platform/feature-views';
import type { ObjectStore } from '../../platform/s3';

/** How long a definition is trusted, in milliseconds: a request costs no look at S3, a new version is soon known. */
const FRESH_MS = 5_000;

/** Every published version of a view, by its name, the newest last. @throws MeridianError InvalidInput where there is none. */
export type FindVersions = (name: string) => Promise<[...older: FeatureView[], newest: FeatureView]>;

/** Finds views in the registry; only those that are there are remembered, so that nobody fills the memory with names. */
export function createVersionFinder(store: ObjectStore, now: () => number = Date.now): FindVersions {
  const known = new Map<string, { versions: Awaited<ReturnType<FindVersions>>; until: number }>();
  return async (name) => {
    const found = known.get(name);
    if (found && now() < found.until) return found.versions;
    const older = await readViewVersions(store, name);
    const newest = older.pop();
    if (!newest) throw await unknownView(store, name);
    const versions: Awaited<ReturnType<FindVersions>> = [...older, newest];
    known.set(name, { versions, until: now() + FRESH_MS });
    return versions;
  };
}
