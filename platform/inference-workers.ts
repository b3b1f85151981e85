import { inferenceWorkerKey, type InferenceWorkerRecord } from '../contracts/release';
import { redisFailure, type Redis } from './redis';

/**
 * Every inference worker whose record has not run out, in the order of their IDs.
 * @throws MeridianError DependencyUnavailable or AccessDenied naming the server
 */
export async function readInferenceWorkers(redis: Redis): Promise<InferenceWorkerRecord[]> {
  try {
    const keys = new Set<string>();
    for await (const found of redis.scanStream({ match: inferenceWorkerKey('*'), count: 1000 }))
      for (const key of found as string[]) keys.add(key);
    if (keys.size === 0) return [];
    const values = await redis.mget(...keys);
    return values
      .filter((value) => value !== null)
      .map((value) => JSON.parse(value) as InferenceWorkerRecord)
      .sort((a, b) => a.id.localeCompare(b.id));
  } catch (error) {
    throw redisFailure(redis, error);
  }
}
