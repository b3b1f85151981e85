import type { FeatureView } from '../../contracts/model';
import { redisFailure, type Redis } from '../redis';
import { entityKeyEncoder } from './entity-key';
import { CREATED_AT, fieldsOf, optedOutField, TIMESTAMP_AT } from './fields';
import { readTimestamp } from './read-cells';
import type { Micros } from './timestamp';

/** Which row of a view stands for an entity. */
export interface StandingRow {
  event: Micros;
  /** Null where another writer wrote the row. */
  created: Micros | null;
}

/** In the order of `entities`; null where the view has no row of one. @throws MeridianError DependencyUnavailable. */
export async function standingRows(
  redis: Redis,
  project: string,
  view: FeatureView,
  entities: readonly Record<string, unknown>[],
): Promise<(StandingRow | 'opted-out' | null)[]> {
  const encodeKey = entityKeyEncoder(project, view.entity.joinKeys);
  const [timestamp, created] = fieldsOf(view) as [Buffer, Buffer];
  const pipeline = redis.pipeline();
  for (const entity of entities) pipeline.hmgetBuffer(encodeKey(entity), timestamp, created, optedOutField);
  const answers = await pipeline.exec().catch((error: unknown) => {
    throw redisFailure(redis, error);
  });
  return answers!.map(([error, cells]) => {
    if (error) throw redisFailure(redis, error);
    return readStanding(cells as (Buffer | null)[]);
  });
}

function readStanding([timestamp, created, optedOut]: (Buffer | null)[]): StandingRow | 'opted-out' | null {
  if (optedOut) return 'opted-out';
  if (!timestamp) return null;
  const own = created?.subarray(TIMESTAMP_AT).equals(timestamp) === true;
  return {
    event: readTimestamp(timestamp, 0, timestamp.length),
    created: own ? created.readBigUInt64BE(CREATED_AT) - 2n ** 63n : null,
  };
}
