import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { ServedVersion, StagingPointer } from '../../contracts/release';
import type { ObjectStore } from '../../platform/s3';

/** Makes a version the one that callers get from Staging, unless a newer one is there. Doing it again changes nothing. */
export function stage(store: ObjectStore, model: string, served: ServedVersion): Promise<void> {
  return move(store, model, (staged) =>
    staged && compareVersions(staged.version, served.version) > 0 ? staged : served,
  );
}

/** Takes a version out of Staging; another that is there stays. */
export function unstage(store: ObjectStore, model: string, version: string): Promise<void> {
  return move(store, model, (staged) => (staged?.version === version ? null : staged));
}

/** @throws MeridianError DependencyUnavailable (retryable) where another writer was faster */
async function move(
  store: ObjectStore,
  model: string,
  next: (staged: ServedVersion | null) => ServedVersion | null,
): Promise<void> {
  const key = Key.stagingPointer(model);
  const found = await store.find(key);
  const before = found ? (JSON.parse(found.body.toString('utf8')) as StagingPointer).staged : null;
  const after: StagingPointer = { staged: next(before) };
  const body = JSON.stringify(after);
  if (body === JSON.stringify({ staged: before })) return;
  const moved = found ? await store.replace(key, body, found.etag) : await store.create(key, body);
  if (moved) return;
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    `${store.uri(key)} moved while it was being written. It is tried again.`,
  );
}

/** `churn-v1.10.0` comes after `churn-v1.9.0`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) =>
    (/\d+\.\d+\.\d+$/.exec(version)?.[0] ?? '').split('.').map(Number),
  );
  for (const [place, number] of left!.entries()) {
    const difference = number - (right![place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
