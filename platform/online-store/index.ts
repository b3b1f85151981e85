import type { FeatureView } from '../../contracts/model';
import { serverIdentity, type Redis } from '../redis';
import { readFeatures, type FeatureRequest, type OnlineFeature } from './read';
import type { JoinKey } from './entity-key';
import { sampleEntities, type SampleRequest } from './entity-sample';
import { readLoadMark, setLoadMark } from './load-mark';
import { scanEntities, type FoundEntities } from './entity-scan';
import { areMarked, withNamed, writeUnlessNamed } from './opted-out';
import { countHeldEntities, forgetEntities, removeStaleRows } from './removal';
import { standingRows, type StandingRow } from './standing';
import type { Micros } from './timestamp';
import { openWriter, type OnlineRow, type OnlineWriter, type WriteResult } from './write';
import { removeWithdrawnRows, type OfflineState, type Withdrawal, type WithdrawalBounds } from './withdrawal';

export type { OfflineState, Withdrawal } from './withdrawal';
export type { FeatureRequest, FeatureStatus, OnlineFeature } from './read';
export type { OnlineRow, OnlineWriter, WriteResult } from './write';
export type { OnlineRows } from './write-rows';
export type { StandingRow } from './standing';
export type { StoredValue } from './value';
export type { Micros } from './timestamp';

/** Redis in Feast's layout: whatever this writes, any Feast client reads, and the other way round. */
export interface OnlineStore {
  /**
   * Writes rows of one view; per entity the newest event time wins, of equal ones the newest created time, of equal
   * ones what is written last. Rows of who is
   * left out by all join keys, or by some (`namingKeys`), are refused.
   */
  write(view: FeatureView, rows: readonly OnlineRow[]): Promise<WriteResult>;
  /** The same for more rows than are at hand at a time; whoever is left out by some join keys is not looked for. */
  openWriter(view: FeatureView): OnlineWriter;
  /**
   * Takes everything out that is kept of entities, of every view with these join keys, and refuses to write rows of
   * theirs from now on. @returns How many of them held a feature until now.
   */
  forget(joinKeys: readonly JoinKey[], entities: readonly Record<string, unknown>[]): Promise<number>;
  /** How many of the entities hold a feature of any view with these join keys, also of views that nobody declares. */
  countHeld(joinKeys: readonly JoinKey[], entities: readonly Record<string, unknown>[]): Promise<number>;
  /** How many of the entities bear the mark under which nobody writes rows of theirs. */
  countMarked(joinKeys: readonly JoinKey[], entities: readonly Record<string, unknown>[]): Promise<number>;
  /** Every entity with one of these sets of join keys that the store holds something of, page by page. */
  scan<Keys extends readonly JoinKey[]>(kinds: readonly Keys[]): AsyncIterable<FoundEntities<Keys>[]>;
  /**
   * Takes a view's row out of each entity where its event time is before `before`; rows written since stay, and so do
   * other views'. @returns How many rows were removed.
   */
  removeStale(
    view: FeatureView,
    entities: readonly Record<string, unknown>[],
    before: Micros,
  ): Promise<number>;
  /** Takes a view's row out of each entity where the offline store has withdrawn it. */
  removeWithdrawn(
    view: FeatureView,
    states: readonly OfflineState[],
    bounds: WithdrawalBounds,
  ): Promise<Withdrawal>;
  /** Some of the entities with these join keys that the store knows, anything of theirs or nothing but an opt-out. */
  sample(joinKeys: readonly JoinKey[], request: SampleRequest): Promise<Record<string, unknown>[]>;
  /** The mark that a view's last load left; null where there is none, or the store has lost it and the rows with it. */
  loadMark(view: FeatureView): Promise<string | null>;
  setLoadMark(view: FeatureView, mark: string): Promise<void>;
  /** Names the server process: what was written before it changed may be lost. */
  serverIdentity(): Promise<string>;
  /** Which row of a view stands for each entity, with the times it was written with. */
  standingRows(
    view: FeatureView,
    entities: readonly Record<string, unknown>[],
  ): Promise<(StandingRow | 'opted-out' | null)[]>;
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
    write: (view, rows) => writeUnlessNamed(redis, project, view, rows),
    openWriter: (view) => openWriter(redis, project, view),
    forget: (joinKeys, entities) => forgetEntities(redis, project, joinKeys, entities, BigInt(now()) * 1000n),
    countHeld: (joinKeys, entities) => countHeldEntities(redis, project, joinKeys, entities),
    countMarked: async (joinKeys, entities) =>
      (await areMarked(redis, project, joinKeys, entities)).filter(Boolean).length,
    scan: (kinds) => scanEntities(redis, project, kinds),
    removeStale: (view, entities, before) => removeStaleRows(redis, project, view, entities, before),
    removeWithdrawn: (view, states, bounds) => removeWithdrawnRows(redis, project, view, states, bounds),
    sample: (joinKeys, request) => sampleEntities(redis, project, joinKeys, request),
    loadMark: (view) => readLoadMark(redis, project, view),
    setLoadMark: (view, mark) => setLoadMark(redis, project, view, mark),
    serverIdentity: () => serverIdentity(redis),
    standingRows: async (view, entities) =>
      withNamed(redis, project, view, entities, await standingRows(redis, project, view, entities)),
    getOnlineFeatures: async ({ entity, ...request }) => (await read(request, [entity]))[0]!,
    getOnlineFeaturesOfMany: ({ entities, ...request }) => read(request, entities),
  };
}
