import type { FeatureView } from '../../contracts/model';
import type { Redis } from '../redis';
import { readFeatures, type FeatureRequest, type OnlineFeature } from './read';
import { writeRows, type OnlineRow, type WriteResult } from './write';

export type { FeatureRequest, FeatureStatus, OnlineFeature } from './read';
export type { OnlineRow, WriteResult } from './write';
export type { StoredValue } from './value';
export type { Micros } from './timestamp';

/** Redis in Feast's layout: whatever this writes, any Feast client reads, and the other way round. */
export interface OnlineStore {
  /** Writes rows of one view; per entity the newest event time wins, of equal ones the newest created time. */
  write(view: FeatureView, rows: readonly OnlineRow[]): Promise<WriteResult>;
  /** The features of one entity, in the order of `features`; one round trip. */
  getOnlineFeatures(request: FeatureRequest & { entity: Record<string, unknown> }): Promise<OnlineFeature[]>;
  /** The same for many entities, still one round trip. */
  getOnlineFeaturesOfMany(
    request: FeatureRequest & { entities: readonly Record<string, unknown>[] },
  ): Promise<OnlineFeature[][]>;
}

/** @param now Epoch milliseconds; what a view's ttl is measured against. */
export function createOnlineStore(redis: Redis, project: string, now: () => number = Date.now): OnlineStore {
  const read = (request: FeatureRequest, entities: readonly Record<string, unknown>[]) =>
    readFeatures(redis, project, request, entities, BigInt(now()) * 1000n);
  return {
    write: (view, rows) => writeRows(redis, project, view, rows),
    getOnlineFeatures: async ({ entity, ...request }) => (await read(request, [entity]))[0]!,
    getOnlineFeaturesOfMany: ({ entities, ...request }) => read(request, entities),
  };
}
