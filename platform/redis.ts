import { Redis } from 'ioredis';
import { ErrorCode, MeridianError } from '../contracts/errors';
import type { Config } from './config';

export type { Redis } from 'ioredis';

/**
 * A client that reconnects by itself for as long as it lives, and whose commands fail within seconds while Redis is
 * away, so that the caller (an activity's retry, a request's 503) decides what to do. Connects on the first command.
 */
export function createRedis(config: Pick<Config, 'redisUrl'>): Redis {
  const redis = new Redis(config.redisUrl, {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 10_000,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  });
  // Without a listener ioredis prints every lost connection; the commands' own errors say it to whom it concerns.
  redis.on('error', () => undefined);
  return redis;
}

/**
 * A connection to the same server for subscribing, after which a connection can do nothing else. What it is asked while
 * Redis is away is done once it is back.
 */
export function createSubscriber(redis: Redis): Redis {
  const subscriber = redis.duplicate({
    lazyConnect: true,
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
  });
  subscriber.on('error', () => undefined);
  return subscriber;
}

/** What a failed command means, as a MeridianError that names the server. */
export function redisFailure(redis: Redis, error: unknown): MeridianError {
  if (error instanceof MeridianError) return error;
  const where = `Redis at ${redis.options.host}:${redis.options.port}`;
  const text = error instanceof Error ? error.message : String(error);
  if (/^(NOAUTH|NOPERM|WRONGPASS)\b/.test(text)) {
    return new MeridianError(
      ErrorCode.AccessDenied,
      `${where}: access denied: ${text}. Check REDIS_URL.`,
      [],
      {
        cause: error,
      },
    );
  }
  if (/^(CROSSSLOT|MOVED|ASK|CLUSTERDOWN)\b/.test(text)) {
    const expected = 'a server with cluster mode disabled (replicas are fine)';
    return new MeridianError(
      ErrorCode.InvalidInput,
      `${where}: expected ${expected}, found one of a Redis Cluster: ${text}. Set REDIS_URL to such a server.`,
      [{ field: 'REDIS_URL', found: 'a Redis Cluster', expected }],
      { cause: error },
    );
  }
  return new MeridianError(
    ErrorCode.DependencyUnavailable,
    `${where} did not answer as expected: ${text}. It is tried again.`,
    [],
    { cause: error },
  );
}

/**
 * Names the server process that answers. What was written before it changed may be lost: a server that was restarted
 * keeps what its persistence kept, and a replica that took over what had reached it.
 */
export async function serverIdentity(redis: Redis): Promise<string> {
  const about = await redis.info('server').catch((error: unknown) => {
    throw redisFailure(redis, error);
  });
  return /^run_id:(\w+)/m.exec(about)?.[1] ?? 'unknown';
}
