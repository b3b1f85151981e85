import { redisFailure, type Redis } from '../redis';
import type { JoinKey } from './entity-key';
import { entityKeyDecoder } from './entity-sample';

/** Entities of one set of join keys that the store holds something of. */
export interface FoundEntities<Keys extends readonly JoinKey[] = readonly JoinKey[]> {
  joinKeys: Keys;
  entities: Record<string, unknown>[];
}

const KEYS_PER_SCAN = 5_000;

/**
 * Goes through the whole key space once, for all of these sets of join keys: every entity that is there from the
 * beginning to the end is found, maybe more than once; one that comes or goes meanwhile may be missed.
 */
export async function* scanEntities<Keys extends readonly JoinKey[]>(
  redis: Redis,
  project: string,
  kinds: readonly Keys[],
): AsyncGenerator<FoundEntities<Keys>[]> {
  const decoders = kinds.map((joinKeys) => ({ joinKeys, decode: entityKeyDecoder(project, joinKeys) }));
  const scan = (cursor: string): Promise<[Buffer, Buffer[]]> =>
    redis
      .scanBuffer(cursor, 'COUNT', KEYS_PER_SCAN)
      .catch((error: unknown) => Promise.reject(redisFailure(redis, error)));
  let cursor = '0';
  do {
    const [next, keys] = await scan(cursor);
    cursor = next.toString();
    yield decoders.map(({ joinKeys, decode }) => ({
      joinKeys,
      entities: keys.map(decode).filter((entity) => entity !== null),
    }));
  } while (cursor !== '0');
}
