import {
  DeleteTrainingJobCommand,
  ListTrainingJobsCommand,
  StopTrainingJobCommand,
  type CreateTrainingJobRequest,
} from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

const CAPACITY_ERROR =
  'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.';

const spot = (name: string, maxWait: number, hyperparameters = {}): CreateTrainingJobRequest => ({
  ...sagemaker.request(name, hyperparameters),
  EnableManagedSpotTraining: true,
  StoppingCondition: { MaxRuntimeInSeconds: 2, MaxWaitTimeInSeconds: maxWait },
});

const statuses = async (name: string) =>
  (await sagemaker.describe(name)).SecondaryStatusTransitions!.map((t) => t.Status);

describe('capacity', () => {
  it('that is missing fails as many launches as asked, of the instances asked', async () => {
    await sagemaker.local('capacity', { instanceType: 'ml.m5.large', spot: true, failures: 1 });
    await sagemaker.create(sagemaker.request('on-demand'));
    await sagemaker.create(spot('no-spot', 60));
    expect(await sagemaker.ended('no-spot')).toMatchObject({
      TrainingJobStatus: 'Failed',
      SecondaryStatus: 'Failed',
      FailureReason: CAPACITY_ERROR,
    });
    expect((await sagemaker.describe('no-spot')).TrainingTimeInSeconds).toBeUndefined();
    await sagemaker.create(spot('spot-again', 60));
    expect((await sagemaker.ended('spot-again')).TrainingJobStatus).toBe('Completed');
    expect((await sagemaker.ended('on-demand')).TrainingJobStatus).toBe('Completed');
  });

  it('that does not come lets a spot job wait for as long as it may', async () => {
    await sagemaker.local('capacity', { spot: true, available: false });
    await sagemaker.create(spot('waits', 2));
    await sagemaker.create(spot('waits-longer', 600));
    const job = await sagemaker.ended('waits');
    expect(job).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxWaitTimeExceeded' });
    expect(job.TrainingStartTime).toBeUndefined();
    expect(await statuses('waits')).toEqual(['Starting', 'Stopping', 'MaxWaitTimeExceeded']);
    expect((await sagemaker.describe('waits-longer')).SecondaryStatusTransitions).toMatchObject([
      { Status: 'Starting', StatusMessage: expect.stringMatching(/^Insufficient capacity/) },
    ]);
    await sagemaker.local('capacity', { spot: true, available: true });
    expect((await sagemaker.ended('waits-longer')).TrainingJobStatus).toBe('Completed');
  });

  it('that is not asked for in the right words is refused', async () => {
    expect(await sagemaker.local('capacity', { failures: 'many' })).toBe(400);
    expect(await sagemaker.local('capacity', { instanceType: 1, failures: 1 })).toBe(400);
    expect(await sagemaker.local('nothing')).toBe(404);
  });
});

describe('MaxWaitTimeInSeconds', () => {
  it('ends a job that trains', async () => {
    await sagemaker.create({
      ...spot('too-long', 3, { mode: 'wait' }),
      StoppingCondition: { MaxRuntimeInSeconds: 3, MaxWaitTimeInSeconds: 3 },
    });
    const job = await sagemaker.ended('too-long');
    expect(job).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxWaitTimeExceeded' });
    expect(isAlive(sagemaker.starts('too-long')[0] ?? -1)).toBe(false);
  });
});

describe('an internal error', () => {
  const retried = (name: string, attempts: number, hyperparameters = {}) =>
    sagemaker.create({
      ...sagemaker.request(name, hyperparameters),
      RetryStrategy: { MaximumRetryAttempts: attempts },
    });

  it('is followed by another start where the job asks for that', async () => {
    await retried('breaks', 1, { mode: 'wait' });
    const pid = await sagemaker.running('breaks');
    expect(await sagemaker.local('training-jobs/breaks/internal-error')).toBe(200);
    await until('another start', () => sagemaker.starts('breaks').length === 2);
    expect(isAlive(pid)).toBe(false);
    sagemaker.release('breaks');
    expect((await sagemaker.ended('breaks')).TrainingJobStatus).toBe('Completed');
    const started = ['Starting', 'Downloading', 'Training'];
    expect(await statuses('breaks')).toEqual([...started, ...started, 'Uploading', 'Completed']);
  });

  it('fails the job where it has come too often', async () => {
    await sagemaker.local('internal-errors', { jobName: 'breaks-thrice', failures: 3 });
    await retried('breaks-thrice', 2);
    const job = await sagemaker.ended('breaks-thrice');
    expect(job.FailureReason).toBe(
      'InternalServerError: We encountered an internal error. Please try again.',
    );
    expect((await statuses('breaks-thrice')).filter((status) => status === 'Starting')).toHaveLength(3);
  });

  it('may be the death of the supervisor', async () => {
    await retried('loses-supervisor', 1, { mode: 'wait' });
    const pid = await sagemaker.running('loses-supervisor');
    process.kill(sagemaker.supervisor('loses-supervisor'), 'SIGKILL');
    await until('another start', () => sagemaker.starts('loses-supervisor').length === 2);
    await until('the end of the first program', () => !isAlive(pid));
    sagemaker.release('loses-supervisor');
    expect((await sagemaker.ended('loses-supervisor')).TrainingJobStatus).toBe('Completed');
  });
});

describe('quotas and throttling', () => {
  it('bound the instances at a time, spot and on-demand apart', async () => {
    await sagemaker.local('quotas', { instanceType: 'ml.c5.xlarge', instances: 1 });
    await sagemaker.local('quotas', { instanceType: 'ml.c5.xlarge', spot: true, instances: 0 });
    const on = (name: string, request = sagemaker.request(name, { mode: 'wait' })) =>
      sagemaker.create({
        ...request,
        ResourceConfig: { ...request.ResourceConfig!, InstanceType: 'ml.c5.xlarge' },
      });
    const [first] = await Promise.allSettled([on('first'), on('second')]);
    // Which of the two comes first is chance; that one does and one does not is the quota.
    const [begun, refused] = first.status === 'fulfilled' ? ['first', 'second'] : ['second', 'first'];
    await expect(sagemaker.describe(refused)).rejects.toThrow('Requested resource not found.');
    await expect(on(refused)).rejects.toMatchObject({
      name: 'ResourceLimitExceeded',
      message: expect.stringContaining(
        "The account-level service limit 'ml.c5.xlarge for training job usage' is 1 Instances, with current utilization of 1 Instances and a request delta of 1 Instances.",
      ),
    });
    await expect(on('spotted', spot('spotted', 60))).rejects.toThrow(
      "'ml.c5.xlarge for spot training job usage' is 0 Instances",
    );
    await sagemaker.client.send(new StopTrainingJobCommand({ TrainingJobName: begun }));
    await sagemaker.ended(begun);
    await on(refused);
    sagemaker.release(refused);
    expect((await sagemaker.ended(refused)).TrainingJobStatus).toBe('Completed');
  });

  it('throttle as many requests as asked', async () => {
    await sagemaker.local('throttling', { operation: 'ListTrainingJobs', requests: 1 });
    const answers = await Promise.all(
      [1, 2].map(() =>
        fetch(sagemaker.endpoint, {
          method: 'POST',
          headers: { 'x-amz-target': 'SageMaker.ListTrainingJobs' },
          body: '{}',
        }),
      ),
    );
    const [refused] = answers.filter(({ status }) => status === 400);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await refused!.json()).toEqual({ __type: 'ThrottlingException', message: 'Rate exceeded' });
    await sagemaker.local('throttling', { requests: 2 });
    const page = await sagemaker.client.send(new ListTrainingJobsCommand({ MaxResults: 1 }));
    expect(page.$metadata.attempts).toBe(3);
  });
});

describe('DeleteTrainingJob', () => {
  it('frees the name of a job that has ended, and only of such', async () => {
    const remove = () => sagemaker.client.send(new DeleteTrainingJobCommand({ TrainingJobName: 'deleted' }));
    await sagemaker.create(sagemaker.request('deleted', { mode: 'wait' }));
    await expect(remove()).rejects.toMatchObject({ name: 'ResourceInUse' });
    sagemaker.release('deleted');
    await sagemaker.ended('deleted');
    await remove();
    await expect(sagemaker.describe('deleted')).rejects.toThrow('Requested resource not found.');
    await sagemaker.stopService('SIGKILL');
    await sagemaker.startService();
    await expect(remove()).rejects.toThrow('Requested resource not found.');
    await sagemaker.create(sagemaker.request('deleted'));
    expect((await sagemaker.ended('deleted')).TrainingJobStatus).toBe('Completed');
  });
});
