import { ErrorCode, MeridianError } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import { redisFailure, type Redis } from '../redis';
import { refuseUnknownKeys } from './entity-key';
import { readTimestamp, readValue } from './read-cells';
import { readConnectionOf } from './read-connection';
import {
  planOf,
  type Column,
  type FeatureRequest,
  type HashPlan,
  type ReadPlan,
  type ViewPlan,
} from './read-plan';
import type { Reply } from './read-reply';
import type { Micros } from './timestamp';
import type { StoredValue } from './value';

export type { FeatureRequest } from './read-plan';

/** Feast's words for what became of one feature. */
export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

export interface OnlineFeature {
  view: string;
  feature: string;
  status: FeatureStatus;
  /** Null unless PRESENT: a value older than the view's ttl is missing, as it is in a training row. */
  value: StoredValue;
  /** The row's event time; null where the view has no row of this entity, or the entity has opted out. */
  eventTimestamp: Micros | null;
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
  const plan = planOf(project, request);
  const { hashes } = plan;
  const rows = entities.map((): OnlineFeature[] => []);
  const commands = encodeCommands(plan, entities);
  try {
    await readConnectionOf(redis).send(commands, entities.length * hashes.length, (reply, index) => {
      const hash = hashes[index % hashes.length]!;
      readHash(hash, reply, nowMicros, rows[Math.floor(index / hashes.length)]!);
    });
  } catch (error) {
    throw redisFailure(redis, error);
  }
  return rows;
}

/** All commands of a request, one after the other: for each entity an HMGET a hash. */
function encodeCommands(
  { hashes, joinKeys }: ReadPlan,
  entities: readonly Record<string, unknown>[],
): Buffer {
  const parts: Buffer[] = [];
  for (const entity of entities) {
    refuseUnknownKeys(joinKeys, entity);
    for (const { keyOf, command } of hashes) {
      const key = keyOf(entity);
      parts.push(command.head, Buffer.from(`${key.length}\r\n`, 'latin1'), key, command.tail);
    }
  }
  return Buffer.concat(parts);
}

function readHash({ views, optedOutAt }: HashPlan, reply: Reply, now: Micros, row: OnlineFeature[]): void {
  if (reply.error !== null) throw new Error(reply.error);
  const optedOut = reply.start(optedOutAt) >= 0;
  for (const plan of views) {
    const { timestampAt } = plan;
    if (optedOut || reply.start(timestampAt) < 0) answerAll(plan, 'NOT_FOUND', null, row);
    else readRow(plan, reply, now, row);
  }
}

function readRow(plan: ViewPlan, reply: Reply, now: Micros, row: OnlineFeature[]): void {
  const { view, columns } = plan;
  const eventTimestamp = readEventTime(plan, reply);
  if (view.ttlSeconds > 0 && now - eventTimestamp > BigInt(view.ttlSeconds) * 1_000_000n) {
    answerAll(plan, 'OUTSIDE_MAX_AGE', eventTimestamp, row);
    return;
  }
  for (const column of columns) {
    const value = readCell(view.name, column, reply);
    const status = value === null ? 'NULL_VALUE' : 'PRESENT';
    row[column.position] = { view: view.name, feature: column.feature.name, status, value, eventTimestamp };
  }
}

function answerAll(
  { view, columns }: ViewPlan,
  status: FeatureStatus,
  eventTimestamp: Micros | null,
  row: OnlineFeature[],
): void {
  for (const { position, feature } of columns)
    row[position] = { view: view.name, feature: feature.name, status, value: null, eventTimestamp };
}

function readEventTime({ view, timestampAt }: ViewPlan, reply: Reply): Micros {
  const [start, end] = [reply.start(timestampAt), reply.end(timestampAt)];
  try {
    return readTimestamp(reply.bytes, start, end);
  } catch (cause) {
    throw corrupt(`${view.name}'s event time`, 'a timestamp', reply.bytes.toString('hex', start, end), cause);
  }
}

function readCell(view: string, { feature, at }: Column, reply: Reply): StoredValue {
  const start = reply.start(at);
  if (start < 0) return null;
  const end = reply.end(at);
  try {
    return readValue(feature.type, reply.bytes, start, end);
  } catch (cause) {
    const found = reply.bytes.toString('hex', start, end);
    throw corrupt(
      `${view}:${feature.name}`,
      `a ${feature.type}`,
      feature.personal ? mask(found) : found,
      cause,
    );
  }
}

const corrupt = (what: string, expected: string, found: string, cause: unknown): MeridianError =>
  new MeridianError(
    ErrorCode.CorruptObject,
    `${what} in the online store: expected ${expected}, found the bytes ${found.slice(0, 80)}. ` +
      'Materialize the view again, and look for another writer.',
    [],
    { cause },
  );
