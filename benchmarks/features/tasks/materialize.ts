import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeatureActivities } from '../../../activities/features';
import type { Day } from '../../../contracts/days';
import type { Config } from '../../../platform/config';
import { createRedis } from '../../../platform/redis';
import { createObjectStore } from '../../../platform/s3';
import { materializedView, warmUpView } from '../data';
import { runTask, timed } from './task';

export interface MaterializeRequest {
  redisUrl: string;
  s3: Config['s3'];
  asOf: Day;
}

/** The whole activity: partitions pulled from S3, loaded, read back in part, the watermark moved. */
runTask(async ({ redisUrl, s3, asOf }: MaterializeRequest) => {
  const store = createObjectStore(s3);
  const redis = createRedis({ redisUrl });
  const { materializeView } = createFeatureActivities({ store, redis });
  const materialize = (view: typeof materializedView): Promise<unknown> =>
    new MockActivityEnvironment().run(materializeView, { view, asOf, runKey: 'benchmark' });
  await materialize(warmUpView);
  await redis.flushall();
  return [await timed(() => materialize(materializedView))];
});
