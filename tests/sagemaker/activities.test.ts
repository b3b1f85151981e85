import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { createSagemakerActivities } from '../../activities/sagemaker';
import type { EndedJob } from '../../activities/sagemaker/stop';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { TrainingHeartbeat, TrainingOutcome, TrainingSpecification } from '../../contracts/training';
import { createSagemaker } from '../../platform/sagemaker';
import { freePort, until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
let activities: ReturnType<typeof createSagemakerActivities>;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  activities = createSagemakerActivities({
    sagemaker: sagemaker.client,
    config: sagemaker.config,
    store: sagemaker.store,
  });
});
afterAll(async () => sagemaker.stop());

const specification = (mode: string): TrainingSpecification => ({
  model: 'churn',
  image: 'xgboost',
  instanceType: 'ml.m5.large',
  instanceCount: 1,
  volumeGb: 10,
  maxRuntimeSeconds: 600,
  program: 'train.py',
  codeKey: 'code/train.tar.gz',
  codeHash: 'hash',
  hyperparameters: { mode, rate: 0.1 },
  metrics: [{ name: 'auc', regex: 'auc=([0-9.]+)' }],
  channels: { train: 'data/train/' },
});

const start = (jobName: string, mode: string) =>
  activities.startTrainingJob({ jobName, specification: specification(mode) });

/** A job of the test's program that waits; the specification has no place for the files it waits on, so it is made directly. */
async function startWaiting(jobName: string): Promise<number> {
  await sagemaker.create(sagemaker.request(jobName, { mode: 'wait' }));
  return sagemaker.running(jobName);
}

async function failureOf(promise: Promise<unknown>): Promise<MeridianError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MeridianError);
  return error as MeridianError;
}

const activityEnvironment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

const stopJob = (jobName: string) =>
  activityEnvironment().run<[{ jobName: string }], EndedJob, typeof activities.stopTrainingJob>(
    activities.stopTrainingJob,
    { jobName },
  );

const awaitJob = (jobName: string, environment = activityEnvironment()): Promise<TrainingOutcome> =>
  environment.run<[{ jobName: string }], TrainingOutcome, typeof activities.awaitTrainingJob>(
    activities.awaitTrainingJob,
    { jobName },
  );

describe('startTrainingJob and awaitTrainingJob', () => {
  it('train once, however often they are called', async () => {
    const handles = await Promise.all([1, 2, 3, 4].map(() => start('once', 'succeed')));
    expect(handles.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(await start('once', 'succeed')).toEqual({ jobName: 'once', adopted: true });
    const outcome = await awaitJob('once');
    expect(outcome).toMatchObject({
      jobName: 'once',
      artifactKey: 'training/once/output/model.tar.gz',
      metrics: { auc: 0.75 },
    });
    expect(outcome.trainingSeconds).toBeGreaterThanOrEqual(1);
    expect([outcome.createdAt, outcome.startedAt, outcome.endedAt].toSorted()).toEqual([
      outcome.createdAt,
      outcome.startedAt,
      outcome.endedAt,
    ]);
    expect(await awaitJob('once')).toEqual(outcome);
    const report = JSON.parse((await sagemaker.unpack(outcome.artifactKey))('report.json'));
    expect(report.arguments).toEqual({ mode: 'succeed', rate: 0.1, text: '' });
  });

  it('refuse a job of that name with another specification', async () => {
    await start('taken', 'succeed');
    const error = await failureOf(start('taken', 'raise'));
    expect(error.code).toBe(ErrorCode.JobNameTaken);
    expect(error.retryable).toBe(false);
  });

  it('tell what SageMaker refuses, field by field', async () => {
    const error = await failureOf(start('no_underscores', 'succeed'));
    expect(error.code).toBe(ErrorCode.InvalidInput);
    expect(error.message).toMatch(/'no_underscores' at 'trainingJobName' failed to satisfy constraint/);
    const unknown = { ...specification('succeed'), channels: { train: 'data/nowhere/' } };
    const missing = await failureOf(
      activities.startTrainingJob({ jobName: 'no-data', specification: unknown }),
    );
    expect(missing.message).toContain(
      'No S3 objects found under S3 URL "s3://meridian-ml-data/data/nowhere/"',
    );
    await sagemaker.local('quotas', { instanceType: 'ml.m5.xlarge', instances: 1 });
    const many = { ...specification('succeed'), instanceType: 'ml.m5.xlarge', instanceCount: 2 };
    const quota = await failureOf(activities.startTrainingJob({ jobName: 'many', specification: many }));
    expect(quota.code).toBe(ErrorCode.CapacityUnavailable);
  });

  it('may be retried while SageMaker is down', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const config = { sagemaker: { ...sagemaker.config.sagemaker, endpoint } };
    const down = createSagemakerActivities({
      sagemaker: createSagemaker(config.sagemaker),
      config,
      store: sagemaker.store,
    });
    const error = await failureOf(
      down.startTrainingJob({ jobName: 'down', specification: specification('succeed') }),
    );
    expect(error.code).toBe(ErrorCode.DependencyUnavailable);
    expect(error.retryable).toBe(true);
  });
});

describe('awaitTrainingJob', () => {
  it('carries the failure text and the log of a program that raises', async () => {
    await start('raises', 'raise');
    const error = await failureOf(awaitJob('raises'));
    expect(error.code).toBe(ErrorCode.TrainingFailed);
    expect(error.retryable).toBe(false);
    expect(error.message).toContain('ValueError: the column tenure holds text');
    expect(error.message).toContain('epoch 1 auc=0.5');
  });

  it('takes no missing artifact for a model', async () => {
    await start('empty', 'empty');
    const error = await failureOf(awaitJob('empty'));
    expect(error.code).toBe(ErrorCode.BadArtifact);
    expect(error.message).toContain('training/empty/output/model.tar.gz');
  });

  it('asks for another attempt where the failure is SageMaker’s own', async () => {
    await startWaiting('lost');
    process.kill(sagemaker.supervisor('lost'), 'SIGKILL');
    const error = await failureOf(awaitJob('lost'));
    expect(error.code).toBe(ErrorCode.CapacityUnavailable);
    expect(error.retryable).toBe(false);
  });

  it('tells an unknown job', async () => {
    expect((await failureOf(awaitJob('never-started'))).code).toBe(ErrorCode.MissingObject);
  });

  it('heartbeats phase and last log line, and stops the job when it is cancelled', async () => {
    const pid = await startWaiting('cancelled');
    const environment = activityEnvironment();
    const heartbeats: TrainingHeartbeat[] = [];
    environment.on('heartbeat', (details: TrainingHeartbeat) => heartbeats.push(details));
    const waiting = awaitJob('cancelled', environment);
    await until('a heartbeat', () => heartbeats.length > 0);
    environment.cancel('CANCELLED');
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
    expect(heartbeats[0]).toMatchObject({
      phase: 'training',
      jobName: 'cancelled',
      lastLogLine: 'epoch 1 auc=0.5',
    });
    expect(isAlive(pid)).toBe(false);
    const job = await sagemaker.describe('cancelled');
    expect(job.TrainingJobStatus).toBe('Stopped');
    const error = await failureOf(awaitJob('cancelled'));
    expect(error.code).toBe(ErrorCode.TrainingStopped);
  });

  it('leaves the job running when only the worker shuts down', async () => {
    const pid = await startWaiting('handed-on');
    const environment = activityEnvironment();
    const waiting = awaitJob('handed-on', environment);
    environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
    expect(isAlive(pid)).toBe(true);
    sagemaker.release('handed-on');
    expect((await awaitJob('handed-on')).artifactKey).toBe('training/handed-on/output/model.tar.gz');
  });
});

describe('stopTrainingJob', () => {
  it('stops a job, and leaves one that has ended or never existed', async () => {
    const pid = await startWaiting('unwanted');
    await stopJob('unwanted');
    expect(isAlive(pid)).toBe(false);
    expect((await sagemaker.describe('unwanted')).TrainingJobStatus).toBe('Stopped');
    await stopJob('unwanted');
    await stopJob('never-started');
    expect((await sagemaker.describe('unwanted')).TrainingJobStatus).toBe('Stopped');
  });
});
