import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { FeatureView } from '../../contracts/model';
import { redisFailure, type Redis } from '../redis';
import { encodeEntityKey } from './entity-key';
import { featureField, timestampField } from './fields';
import { decodeTimestamp, type Micros } from './timestamp';
import { decodeValue, type StoredValue } from './value';

/** Feast's words for what became of one feature. */
export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

export interface OnlineFeature {
  view: string;
  feature: string;
  status: FeatureStatus;
  /** Null unless PRESENT: a value older than the view's ttl is missing, as it is in a training row. */
  value: StoredValue;
  /** The row's event time; null where the view has no row of this entity. */
  eventTimestamp: Micros | null;
}

export interface FeatureRequest {
  /** Views that hold the features asked for. */
  views: readonly FeatureView[];
  features: readonly { view: string; feature: string }[];
}

/** What one HMGET fetches: the features asked for of all views with the same join keys. */
interface Fetch {
  view: FeatureView;
  /** Places in the request's list of features, beside the place of each in the HMGET's answer. */
  columns: { position: number; name: string; type: FeatureView['features'][number]['type']; at: number }[];
  timestampAt: number;
}
interface HashPlan {
  joinKeys: FeatureView['entity']['joinKeys'];
  fields: Buffer[];
  fetches: Fetch[];
}

/**
 * Reads the features of many entities in one round trip: answers in the order of `entities`, each in the order of
 * `request.features`.
 * @throws MeridianError InvalidInput (unknown view or feature, join key missing, unknown or of a wrong type),
 *   CorruptObject (bytes of another type than declared), DependencyUnavailable.
 */
export async function readFeatures(
  redis: Redis,
  project: string,
  request: FeatureRequest,
  entities: readonly Record<string, unknown>[],
  nowMicros: Micros,
): Promise<OnlineFeature[][]> {
  const plans = planOf(request);
  const pipeline = redis.pipeline();
  for (const entity of entities) {
    refuseUnknownKeys(plans, entity);
    for (const { joinKeys, fields } of plans)
      pipeline.hmgetBuffer(encodeEntityKey(project, joinKeys, entity), ...fields);
  }
  const answers = await pipeline.exec().catch((error: unknown) => {
    throw redisFailure(redis, error);
  });
  return entities.map((_, index) => {
    const row: OnlineFeature[] = [];
    for (const [offset, { fetches }] of plans.entries()) {
      const [error, cells] = answers![index * plans.length + offset]!;
      if (error) throw redisFailure(redis, error);
      for (const fetch of fetches) readView(fetch, cells as (Buffer | null)[], nowMicros, row);
    }
    return row;
  });
}

const PLANS = new WeakMap<
  FeatureRequest['features'],
  { views: FeatureRequest['views']; plans: HashPlan[] }
>();

/** A model's calls all ask with the same two lists, so that what they come to is worked out once. */
function planOf(request: FeatureRequest): HashPlan[] {
  const known = PLANS.get(request.features);
  if (known?.views === request.views) return known.plans;
  const plans = plan(request);
  PLANS.set(request.features, { views: request.views, plans });
  return plans;
}

function plan(request: FeatureRequest): HashPlan[] {
  const plans = new Map<string, HashPlan>();
  const fetches = new Map<string, { fetch: Fetch; hash: HashPlan }>();
  for (const [position, { view: viewName, feature: featureName }] of request.features.entries()) {
    const view = request.views.find((candidate) => candidate.name === viewName);
    const feature = view?.features.find((candidate) => candidate.name === featureName);
    if (!view || !feature) throw unknownFeature(request, viewName, featureName);
    const keysName = view.entity.joinKeys
      .map(({ name, type }) => `${name} ${type}`)
      .sort()
      .join();
    let hash = plans.get(keysName);
    if (!hash) plans.set(keysName, (hash = { joinKeys: view.entity.joinKeys, fields: [], fetches: [] }));
    let known = fetches.get(viewName);
    if (!known) {
      const fetch = { view, columns: [], timestampAt: hash.fields.push(timestampField(viewName)) - 1 };
      hash.fetches.push(fetch);
      fetches.set(viewName, (known = { fetch, hash }));
    }
    const at = hash.fields.push(featureField(viewName, featureName)) - 1;
    known.fetch.columns.push({ position, name: featureName, type: feature.type, at });
  }
  return [...plans.values()];
}

function readView(fetch: Fetch, cells: (Buffer | null)[], now: Micros, row: OnlineFeature[]): void {
  const { view } = fetch;
  const stamp = cells[fetch.timestampAt];
  const eventTimestamp = stamp ? decodeTimestamp(stamp) : null;
  const expired =
    eventTimestamp !== null &&
    view.ttlSeconds > 0 &&
    now - eventTimestamp > BigInt(view.ttlSeconds) * 1_000_000n;
  for (const { position, name, type, at } of fetch.columns) {
    const answer = { view: view.name, feature: name, eventTimestamp };
    if (eventTimestamp === null) {
      row[position] = { ...answer, status: 'NOT_FOUND', value: null };
    } else if (expired) {
      row[position] = { ...answer, status: 'OUTSIDE_MAX_AGE', value: null };
    } else {
      const value = readCell(view.name, name, type, cells[at]);
      row[position] = { ...answer, status: value === null ? 'NULL_VALUE' : 'PRESENT', value };
    }
  }
}

function readCell(
  view: string,
  feature: string,
  type: string,
  bytes: Buffer | null | undefined,
): StoredValue {
  if (!bytes) return null;
  try {
    const stored = decodeValue(bytes);
    if (stored.type === null || stored.type === type) return stored.value;
    throw new RangeError(`It holds a ${stored.type}.`);
  } catch (cause) {
    throw new MeridianError(
      ErrorCode.CorruptObject,
      `${view}:${feature} in the online store: expected a ${type}, found the bytes ${bytes.toString('hex')}. ` +
        'Materialize the view again, and look for another writer.',
      [],
      { cause },
    );
  }
}

function refuseUnknownKeys(plans: readonly HashPlan[], entity: Record<string, unknown>): void {
  const known = new Set(plans.flatMap(({ joinKeys }) => joinKeys.map(({ name }) => name)));
  for (const name of Object.keys(entity)) {
    if (!known.has(name)) {
      const expected = `no such join key (known: ${[...known].join(', ')})`;
      throw new MeridianError(ErrorCode.InvalidInput, `entity.${name}: expected ${expected}.`, [
        { field: `entity.${name}`, found: show(entity[name]), expected },
      ]);
    }
  }
}

function unknownFeature(request: FeatureRequest, view: string, feature: string): MeridianError {
  const known = request.views.flatMap((v) => v.features.map((f) => `${v.name}:${f.name}`)).join(', ');
  return new MeridianError(
    ErrorCode.InvalidInput,
    `No feature ${view}:${feature} is declared (known: ${known}).`,
    [{ field: `${view}:${feature}`, found: 'no such feature', expected: `one of ${known}` }],
  );
}
