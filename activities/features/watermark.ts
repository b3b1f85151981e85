import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { StoredView } from '../../contracts/feature-view';
import { Key } from '../../contracts/ids';
import type { ObjectStore } from '../../platform/s3';

/** `features/<view>/_watermark.json`: how far the online store has been loaded. */
export interface Watermark {
  view: string;
  version: number;
  asOf: Day;
  /** Event time of the newest row loaded, ISO 8601. */
  newestEvent: string | null;
  runKey: string;
  /** Of that load: of a view without a ttl, those in the days that it read. */
  entities: number;
  /** What the load left in the online store as well; see `mayHaveLost`. */
  mark?: string;
  movedAt: string;
}

/** Null where the view was never loaded. */
export async function readWatermark(store: ObjectStore, view: StoredView): Promise<Watermark | null> {
  const found = await store.find(Key.watermark(view));
  return found && (JSON.parse(found.body.toString('utf8')) as Watermark);
}

/** Moves the watermark forward, never back. @returns the one that stands now. */
export async function moveWatermark(store: ObjectStore, next: Watermark): Promise<Watermark> {
  const key = Key.watermark({ name: next.view, version: next.version });
  for (let attempt = 0; attempt < 10; attempt++) {
    const found = await store.find(key);
    const body = JSON.stringify(next);
    if (!found) {
      if (await store.create(key, body)) return next;
    } else {
      const standing = JSON.parse(found.body.toString('utf8')) as Watermark;
      if (standing.asOf > next.asOf) return standing;
      if (await store.replace(key, body, found.etag)) return next;
    }
  }
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    `${store.uri(key)}: other loads kept moving it. It is tried again.`,
  );
}
