import { randomUUID } from 'node:crypto';
import type { Redis } from '../../platform/redis';

/** Held by one process at a time, for as long as it says so. */
export interface Lease {
  /** Takes or renews it; false where another process holds it. */
  hold(): Promise<boolean>;
  release(): Promise<void>;
}

const RENEW = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`;

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** @param ttlMs How long a holder that was killed keeps others waiting. */
export function createLease(redis: Redis, key: string, ttlMs: number): Lease {
  const token = randomUUID();
  return {
    hold: async () => (await redis.eval(RENEW, 1, key, token, ttlMs)) === 1,
    release: async () => {
      await redis.eval(RELEASE, 1, key, token);
    },
  };
}
