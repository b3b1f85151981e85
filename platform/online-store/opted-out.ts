import { namingKeys } from '../../contracts/opt-outs';
import type { FeatureView } from '../../contracts/model';
import { redisFailure, type Redis } from '../redis';
import { entityKeyEncoder, type JoinKey } from './entity-key';
import { optedOutField } from './fields';
import type { StandingRow } from './standing';
import { writeRows, type OnlineRow, type WriteResult } from './write';

type Entities = readonly Record<string, unknown>[];

/** Which of the entities bear the mark of who has opted out. @throws MeridianError DependencyUnavailable. */
export async function areMarked(
  redis: Redis,
  project: string,
  joinKeys: readonly JoinKey[],
  entities: Entities,
): Promise<boolean[]> {
  const encodeKey = entityKeyEncoder(project, joinKeys);
  const pipeline = redis.pipeline();
  for (const entity of entities) pipeline.hexists(encodeKey(entity), optedOutField);
  const answers = await pipeline.exec().catch((error: unknown) => {
    throw redisFailure(redis, error);
  });
  return answers!.map(([error, exists]) => {
    if (error) throw redisFailure(redis, error);
    return exists === 1;
  });
}

/**
 * Writes rows of entities that nobody has left out by some of their join keys; the script that writes sees only who is
 * left out by all of them. A view with one join key costs nothing more.
 */
export async function writeUnlessNamed(
  redis: Redis,
  project: string,
  view: FeatureView,
  rows: readonly OnlineRow[],
): Promise<WriteResult> {
  const named = await areNamedBySome(
    redis,
    project,
    view.entity.joinKeys,
    rows.map(({ entity }) => entity),
  );
  const allowed = rows.filter((_row, index) => !named[index]);
  const result = await writeRows(redis, project, view, allowed);
  return { ...result, refused: result.refused + rows.length - allowed.length };
}

/** The same rows, `opted-out` too where an entity is left out by some of its join keys. */
export async function withNamed(
  redis: Redis,
  project: string,
  view: FeatureView,
  entities: Entities,
  standing: (StandingRow | 'opted-out' | null)[],
): Promise<(StandingRow | 'opted-out' | null)[]> {
  const named = await areNamedBySome(redis, project, view.entity.joinKeys, entities);
  return standing.map((row, index) => (named[index] ? 'opted-out' : row));
}

/** Which of the entities are marked by some of their join keys, not all. */
async function areNamedBySome(
  redis: Redis,
  project: string,
  joinKeys: FeatureView['entity']['joinKeys'],
  entities: Entities,
): Promise<boolean[]> {
  const [, ...some] = namingKeys(joinKeys);
  const marks = await Promise.all(some.map((keys) => areMarked(redis, project, keys, entities)));
  return entities.map((_entity, index) => marks.some((marked) => marked[index]!));
}
