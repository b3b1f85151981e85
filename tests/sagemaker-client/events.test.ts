import { tmpdir } from 'node:os';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createSagemakerActivities } from '../../activities/sagemaker';
import type { AwaitedJob } from '../../activities/sagemaker/wait';
import type { TrainingOutcome } from '../../contracts/training';
import { createJobEvents, type JobEvents } from '../../platform/job-events';
import { createLog } from '../../platform/log';
import { createRedis, type Redis } from '../../platform/redis';
import { createTrainingEvents } from '../../workers/gateway/training-events';
import { readJsonObject } from '../../workers/http/request';
import { sendJson } from '../../workers/http/response';
import { startHttpServer, type HttpServer } from '../../workers/http/server';
import { TestSagemaker } from '../sagemaker/environment';
import { startRedis, type RedisServer } from '../support/redis';
import { until } from '../support/servers';

jest.setTimeout(120_000);

const TOKEN = 'a secret';

let redisServer: RedisServer;
let redis: Redis;
let events: JobEvents;
let entry: HttpServer;
let sagemaker: TestSagemaker;

beforeAll(async () => {
  redisServer = await startRedis(tmpdir());
  redis = createRedis({ redisUrl: redisServer.url });
  events = createJobEvents(redis);
  const trainingEvents = createTrainingEvents(events, TOKEN);
  entry = await startHttpServer(
    {
      '/v1/events/sagemaker': {
        POST: async ({ request, response }) => {
          trainingEvents.authorize(request);
          sendJson(response, 202, await trainingEvents.receive(await readJsonObject(request)));
        },
      },
    },
    { host: '127.0.0.1', port: 0 },
    createLog('test'),
  );
  sagemaker = await TestSagemaker.start({
    MERIDIAN_SAGEMAKER_EVENTS_URL: `${entry.url}/v1/events/sagemaker`,
    MERIDIAN_EVENTS_TOKEN: TOKEN,
  });
});
afterAll(async () => {
  await sagemaker?.stop();
  await entry?.close();
  events?.close();
  redis?.disconnect();
  await redisServer?.stop();
});

/** Waits for a job in an activity whose pauses never end by themselves: only news end them. */
function awaitByNewsAlone(jobName: string): Promise<TrainingOutcome> {
  const activities = createSagemakerActivities({
    sagemaker: sagemaker.client,
    config: sagemaker.config,
    store: sagemaker.store,
    events,
  });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  Object.assign(environment.context, { sleep: () => new Promise<void>(() => undefined) });
  return environment.run<[AwaitedJob], TrainingOutcome, typeof activities.awaitTrainingJob>(
    activities.awaitTrainingJob,
    { jobName },
  );
}

const post = async (body: unknown, token = TOKEN) => {
  const answer = await fetch(`${entry.url}/v1/events/sagemaker`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

const event = (name: string) => ({
  source: 'aws.sagemaker',
  'detail-type': 'SageMaker Training Job State Change',
  detail: { TrainingJobName: name, TrainingJobStatus: 'Failed' },
});

describe('events of SageMaker', () => {
  it('end the wait for a job, which the local SageMaker tells of by itself', async () => {
    await sagemaker.create(sagemaker.request('told', { mode: 'wait' }));
    await sagemaker.running('told');
    const outcome = awaitByNewsAlone('told');
    await until(
      'somebody to listen',
      async () => (await redis.pubsub('NUMSUB', 'meridian:sagemaker:told'))[1],
    );
    sagemaker.release('told');
    expect((await outcome).artifactKey).toBe('training/told/output/model.tar.gz');
  });

  it('are never believed: one that says "failed" of a job that trains only makes it be looked at', async () => {
    await sagemaker.create(sagemaker.request('slandered', { mode: 'wait' }));
    await sagemaker.running('slandered');
    const outcome = awaitByNewsAlone('slandered');
    await until(
      'somebody to listen',
      async () => (await redis.pubsub('NUMSUB', 'meridian:sagemaker:slandered'))[1],
    );
    const sqs = { Records: [{ body: JSON.stringify(event('slandered')) }] };
    expect(await post(sqs)).toEqual({ status: 202, body: { woken: ['slandered'], ignored: 0 } });
    sagemaker.release('slandered');
    expect((await outcome).jobName).toBe('slandered');
  });

  it('are refused without the token, and where they are none', async () => {
    expect(await post(event('x'), 'another')).toMatchObject({
      status: 401,
      body: { error: { code: 'AccessDenied' } },
    });
    expect(await post({ detail: {} })).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidInput', fields: [{ field: 'source' }] } },
    });
  });

  it('lost with Redis, leave the poll to find out', async () => {
    await redisServer.stop('SIGKILL');
    const activities = createSagemakerActivities({
      sagemaker: sagemaker.client,
      config: sagemaker.config,
      store: sagemaker.store,
      events,
    });
    await sagemaker.create(sagemaker.request('untold', { mode: 'succeed' }));
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const outcome = await environment.run<[AwaitedJob], TrainingOutcome, typeof activities.awaitTrainingJob>(
      activities.awaitTrainingJob,
      { jobName: 'untold' },
    );
    expect(outcome.jobName).toBe('untold');
    expect(await post(event('untold'))).toMatchObject({ status: 503 });
  });
});
