import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createRedis, type Redis } from '../../platform/redis';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { startRedis } from '../support/redis';
import { startS3 } from '../support/servers';

/** A real object store and a real Redis, empty, for the tests of one file. */
export interface Stage {
  folder: string;
  store: ObjectStore;
  redis: Redis;
  redisUrl: string;
  /** The environment variables that a client of the object store needs. */
  env: Record<string, string>;
  /** Calls an activity as a worker would. */
  run<Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result>;
  tearDown(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-stage-'));
  const [s3, redisServer] = await Promise.all([startS3(folder), startRedis(folder)]);
  Object.assign(process.env, s3.env);
  const store = createObjectStore({
    endpoint: s3.env['AWS_ENDPOINT_URL_S3'],
    region: s3.env['AWS_REGION']!,
    bucket: 'meridian-ml-data',
  });
  await store.ensureBucket();
  const redis = createRedis({ redisUrl: redisServer.url });
  return {
    folder,
    store,
    redis,
    redisUrl: redisServer.url,
    env: s3.env,
    run: (activity, input) => new MockActivityEnvironment().run(activity, input),
    async tearDown() {
      redis.disconnect();
      store.close();
      await Promise.all([s3.stop(), redisServer.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
