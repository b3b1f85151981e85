import { createHash } from 'node:crypto';
import { redisFailure, type Redis } from '../redis';

/** A Lua script, called by its hash; sent whole where the server does not know it (yet, or any more). */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export const defineScript = (text: string): Script => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});

/** @throws MeridianError DependencyUnavailable, AccessDenied. */
export async function callScript(
  redis: Redis,
  { text, sha }: Script,
  keys: readonly Buffer[],
  args: readonly (Buffer | string)[],
): Promise<unknown> {
  try {
    return await redis.call('EVALSHA', sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw redisFailure(redis, error);
  }
  try {
    return await redis.call('EVAL', text, keys.length, ...keys, ...args);
  } catch (error) {
    throw redisFailure(redis, error);
  }
}
