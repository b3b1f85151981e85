import { createRedis } from '../../../platform/redis';
import { entityKey, FIELDS } from './encoded';
import type { ReadRequest } from './read';
import { runTask, timed } from './task';

/** The floor: the bytes of each group's features by pipelined HMGETs, nothing decoded. */
runTask(async ({ redisUrl, groups, warmUpGroups }: ReadRequest) => {
  const redis = createRedis({ redisUrl });
  const seconds: number[] = [];
  for (const group of groups) {
    const keys = group.map(entityKey);
    seconds.push(
      await timed(async () => {
        if (keys.length === 1) return redis.hmgetBuffer(keys[0]!, ...FIELDS);
        const pipeline = redis.pipeline();
        for (const key of keys) pipeline.hmgetBuffer(key, ...FIELDS);
        return pipeline.exec();
      }),
    );
  }
  return seconds.slice(warmUpGroups);
});
