import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { CancelledFailure } from '@temporalio/workflow';
import { createSagemakerActivities } from '../../activities/sagemaker';
import type { ModelDeclaration } from '../../contracts/model';
import { TaskQueue } from '../../contracts/task-queues';
import { churn } from '../../models/churn/model';
import { workerDefaults } from '../../platform/temporal';
import type { RetrainResult } from '../../workflows/retrain-model';
import { TestSagemaker } from '../sagemaker/environment';
import { until } from '../support/servers';
import { bundle, replayAll, startTemporal } from '../support/workflow-environment';
import { failedGate, mockActivities } from '../workflows/activities';
import { CHECKPOINT, CODE_KEY, Counting, from, HELD_AT, layDownCounting, liveJobs, STEPS } from './counting';

// A machine shared with others may take many times what a quiet one takes.
jest.setTimeout(120_000);

const DECLARATION_HASH = 'd'.repeat(64);

let sagemaker: TestSagemaker;
let temporal: TestWorkflowEnvironment;

beforeAll(async () => {
  [sagemaker, temporal] = await Promise.all([TestSagemaker.start(), startTemporal()]);
  await layDownCounting(sagemaker);
  await sagemaker.store.put(`declarations/churn/${DECLARATION_HASH}.json`, '{}');
});
afterAll(async () => {
  await replayAll(temporal.client);
  await temporal.teardown();
  await sagemaker.stop();
});
beforeEach(async () => {
  for (const { key } of await sagemaker.store.list('checkpoints/')) await sagemaker.store.delete(key);
});

/** Workers that treat errors as those of production do: what is not retryable ends its activity. */
async function withWorkers(activities: object, test: () => Promise<void>): Promise<void> {
  const common = { ...workerDefaults, connection: temporal.nativeConnection, activities };
  const [pipelines, data] = await Promise.all([
    Worker.create({ ...common, taskQueue: TaskQueue.pipelines, workflowBundle: bundle('workflows') }),
    Worker.create({ ...common, taskQueue: TaskQueue.data }),
  ]);
  await pipelines.runUntil(data.runUntil(test));
}

interface Run {
  handle: WorkflowHandle;
  /** Names of the run's jobs, by attempt. */
  job(attempt: number): Promise<string>;
}

/** Runs retrainModel on the real local SageMaker while the test lasts. */
async function training(
  counting: Counting,
  test: (run: Run) => Promise<void>,
  change: Partial<ModelDeclaration['training']> = {},
): Promise<void> {
  const activities = {
    ...mockActivities([], {
      resolveDeclaration: () => ({
        hash: DECLARATION_HASH,
        declaration: { ...churn, training: counting.training(change) },
        code: { key: CODE_KEY, hash: 'c' },
      }),
      // The run ends with its training: nothing is rolled out.
      evaluateVersion: failedGate,
    }),
    ...createSagemakerActivities({
      sagemaker: sagemaker.client,
      config: sagemaker.config,
      store: sagemaker.store,
      prices: { 'ml.m5.xlarge': 36 },
    }),
  };
  await withWorkers(activities, async () => {
    const handle = await temporal.client.workflow.start('retrainModel', {
      workflowId: `retrain/churn/${counting.name}`,
      taskQueue: TaskQueue.pipelines,
      args: [{ model: 'churn', label: counting.name }],
    });
    await test({
      handle,
      job: (attempt) =>
        until(`attempt ${attempt} of ${counting.name}`, async () => {
          const { training: jobs } = await jobsOf(counting.name);
          return jobs.find((name) => name.endsWith(`g1a${attempt}`));
        }),
    });
  });
}

async function jobsOf(label: string): Promise<{ training: string[] }> {
  const { ListTrainingJobsCommand } = await import('@aws-sdk/client-sagemaker');
  const { TrainingJobSummaries } = await sagemaker.client.send(
    new ListTrainingJobsCommand({ MaxResults: 100, NameContains: `-${label}-` }),
  );
  return { training: TrainingJobSummaries!.map(({ TrainingJobName }) => TrainingJobName!).sort() };
}

const interrupt = async (jobName: string) =>
  expect(await sagemaker.local(`training-jobs/${jobName}/interrupt`)).toBe(200);

const marketsOf = ({ cost }: RetrainResult) => cost!.jobs.map(({ market, ended }) => `${market} ${ended}`);

describe('a spot training', () => {
  it('that is interrupted within its budget goes on as the same job, from its checkpoint', async () => {
    const counting = new Counting(sagemaker, 'resumed');
    await training(
      counting,
      async (run) => {
        const jobName = await run.job(1);
        await counting.held();
        await interrupt(jobName);
        await counting.held(2);
        counting.release();
        const result = (await run.handle.result()) as RetrainResult;
        expect(result.jobName).toBe(jobName);
        expect(result.cost!.jobs).toHaveLength(1);
        expect(result.cost!.jobs[0]).toMatchObject({ market: 'spot', interruptions: 1, ended: 'Completed' });
        expect(result.cost!.spotSavingPercent).toBeGreaterThan(0);
      },
      { spot: { maxWaitSeconds: 3600, maxInterruptions: 1 } },
    );
    expect(counting.steps()).toEqual([...from(0, HELD_AT), ...from(CHECKPOINT, STEPS)]);
  });

  it('goes on on-demand from the same checkpoint once its budget is spent, whatever is killed meanwhile', async () => {
    const counting = new Counting(sagemaker, 'budget');
    await training(counting, async (run) => {
      const spot = await run.job(1);
      await counting.held();
      await interrupt(spot);
      const onDemand = await run.job(2);
      const given = await sagemaker.describe(spot);
      const taken = await sagemaker.describe(onDemand);
      expect(given.TrainingJobStatus).toBe('Stopped');
      expect(given.TrainingEndTime!.getTime()).toBeLessThanOrEqual(taken.CreationTime!.getTime());
      expect(taken.EnableManagedSpotTraining).toBe(false);
      expect(taken.CheckpointConfig!.S3Uri).toBe(given.CheckpointConfig!.S3Uri);

      await sagemaker.stopService('SIGKILL');
      await sagemaker.startService();
      counting.release();
      const result = (await run.handle.result()) as RetrainResult;
      expect(result.jobName).toBe(onDemand);
      expect(marketsOf(result)).toEqual(['spot Stopped', 'on-demand Completed']);
      const { jobs, billableSeconds, dollars } = result.cost!;
      expect(billableSeconds).toBe(jobs[0]!.billableSeconds + jobs[1]!.billableSeconds);
      expect(dollars).toBeCloseTo((billableSeconds * 36) / 3600, 9);
    });
    expect((await jobsOf('budget')).training).toHaveLength(2);
    // How far the second spot instance came before it was given up is a matter of chance.
    const steps = counting.steps();
    expect(steps.slice(0, HELD_AT)).toEqual(from(0, HELD_AT));
    expect(steps.slice(CHECKPOINT - STEPS)).toEqual(from(CHECKPOINT, STEPS));
    expect(steps.slice(HELD_AT, CHECKPOINT - STEPS).every((step) => step >= CHECKPOINT)).toBe(true);
  });

  it.each([
    ['has no capacity', 'capacity', { spot: true, failures: 1 }, 'spot Failed'],
    ['has no quota', 'quotas', { instanceType: 'ml.m5.xlarge', spot: true, instances: 0 }, null],
  ])('goes on on-demand where spot %s', async (_, route, fault, first) => {
    const counting = new Counting(sagemaker, route);
    counting.release();
    expect(await sagemaker.local(route, fault)).toBe(200);
    await training(counting, async (run) => {
      const result = (await run.handle.result()) as RetrainResult;
      expect(result.jobName).toBe(await run.job(2));
      expect(marketsOf(result)).toEqual([...(first ? [first] : []), 'on-demand Completed']);
    });
    await sagemaker.local('quotas', { instanceType: 'ml.m5.xlarge', spot: true, instances: null });
  });

  it('leaves no live job where it is cancelled: on spot, waiting for an instance, and on-demand', async () => {
    const cancel = async (run: Run) => {
      await run.handle.cancel();
      const error: unknown = await run.handle.result().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      expect((error as WorkflowFailedError).cause?.name).toBe(CancelledFailure.name);
      expect(await liveJobs(sagemaker)).toEqual([]);
    };
    const onSpot = new Counting(sagemaker, 'cancelled-on-spot');
    await training(onSpot, async (run) => {
      await onSpot.held();
      await cancel(run);
    });

    await sagemaker.local('capacity', { spot: true, available: false });
    await training(new Counting(sagemaker, 'cancelled-waiting'), async (run) => {
      await run.job(1);
      await cancel(run);
    });
    await sagemaker.local('capacity', { spot: true, available: true });

    await sagemaker.local('capacity', { spot: true, failures: 1 });
    const onDemand = new Counting(sagemaker, 'cancelled-on-demand');
    await training(onDemand, async (run) => {
      await run.job(2);
      await cancel(run);
    });
  });
});
