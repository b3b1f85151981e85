import { storedName, type StoredView } from '../../contracts/feature-view';
import { redisFailure, type Redis } from '../redis';

/** A hash beside the entities: of each view, which load was its last. It is lost with the rows, and restored with them. */
const markKey = (project: string): string => `${project}:loads`;

/** @throws MeridianError DependencyUnavailable. */
export const readLoadMark = (redis: Redis, project: string, view: StoredView): Promise<string | null> =>
  redis.hget(markKey(project), storedName(view)).catch((error: unknown) => {
    throw redisFailure(redis, error);
  });

/** @throws MeridianError DependencyUnavailable. */
export async function setLoadMark(
  redis: Redis,
  project: string,
  view: StoredView,
  mark: string,
): Promise<void> {
  await redis.hset(markKey(project), storedName(view), mark).catch((error: unknown) => {
    throw redisFailure(redis, error);
  });
}
