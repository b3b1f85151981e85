import { ApplicationFailure, CancelledFailure, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TaskQueue } from '../../contracts/task-queues';
import { TUNING_PROGRESS, type TuningOutcome, type TuningProgress } from '../../contracts/tuning';
import { churn } from '../../models/churn/model';
import { until } from '../support/servers';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { failedGate, mockActivities, names, trained, type Calls } from '../workflows/activities';

jest.setTimeout(120_000);

const tuned = (tuningJob: string): TuningOutcome => ({
  ...trained(`${tuningJob}-003-abc`),
  trainingSeconds: 60,
  tuning: {
    jobName: tuningJob,
    trialsKey: `training/${tuningJob}/trials.json`,
    trials: { completed: 19, failed: 1, stopped: 0 },
    objective: { metric: 'validation-logloss', goal: 'minimize', value: 0.3 },
    hyperparameters: { max_depth: 4 },
  },
});

describe('retrainModel, tuned', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;
  let minor = 0;

  beforeAll(async () => {
    environment = await startTemporal();
  });
  afterAll(async () => {
    await replayAll(environment.client);
    await environment.teardown();
  });
  beforeEach(() => {
    calls = [];
  });

  const mocks = (replaced: Parameters<typeof mockActivities>[1] = {}) =>
    mockActivities(calls, {
      startTuningJob: ({ jobName }: { jobName: string }) => ({ jobName, adopted: false }),
      awaitTuningJob: ({ jobName }: { jobName: string }) => tuned(jobName),
      stopTuningJob: () => undefined,
      logTrials: () => ({ trials: 20 }),
      evaluateVersion: failedGate,
      allocateVersion: () => `churn-v1.${(minor += 1)}.0`,
      ...replaced,
    });
  const start = (input: object): Promise<WorkflowHandle> =>
    environment.client.workflow.start('retrainModel', {
      workflowId: `retrain/churn/${uniqueLabel()}`,
      taskQueue: TaskQueue.pipelines,
      args: [{ model: 'churn', ...input }],
    });
  const run = (input: object, replaced: Parameters<typeof mockActivities>[1] = {}) =>
    withWorkers(environment, mocks(replaced), async () => (await start(input)).result());
  const arguments_ = <T>(activity: string) =>
    calls.filter(([name]) => name === activity).map(([, argument]) => argument as T);
  const details = async (handle: WorkflowHandle): Promise<string> =>
    JSON.stringify(await handle.query('__temporal_workflow_metadata'));
  const declares = (when: 'always' | 'on-request') => ({
    resolveDeclaration: () => ({
      hash: 'd'.repeat(64),
      declaration: {
        ...churn,
        training: { ...churn.training, tuning: { ...churn.training.tuning!, when } },
      },
      code: { key: 'code/c.tar.gz', hash: 'c' },
    }),
  });

  it('goes on with the best trial, and logs them all', async () => {
    const result = await run({ tune: true, hyperparameters: { max_depth: 3 } });
    const [started] = arguments_<{ jobName: string; specification: object }>('startTuningJob');
    expect(started!.jobName).toMatch(/^churn-[0-9-]{10}-[0-9a-f]{10}-g1a1$/);
    // What the input names is not searched, and what is searched is nothing of its own.
    expect(started!.specification).toMatchObject({
      training: { hyperparameters: { max_depth: 3, num_round: 800 } },
      search: { strategy: 'Bayesian', maxJobs: 20, maxParallelJobs: 4 },
    });
    const { training, search } = started!.specification as {
      training: { hyperparameters: object };
      search: { ranges: object };
    };
    expect(search.ranges).not.toHaveProperty('max_depth');
    expect(training.hyperparameters).not.toHaveProperty('learning_rate');
    const best = `${started!.jobName}-003-abc`;
    expect(result).toMatchObject({ jobName: best, tuning: { jobName: started!.jobName } });
    expect(arguments_('packageVersion')).toMatchObject([{ outcome: { jobName: best } }]);
    expect(arguments_('logTrials')).toEqual([
      { trialsKey: `training/${started!.jobName}/trials.json`, runId: 'r' },
    ]);
    expect(names(calls)).not.toContain('startTrainingJob');
  });

  it.each([
    ['tunes where it is asked to', 'on-request', { tune: true }, 'startTuningJob'],
    ['trains where nobody asks', 'on-request', {}, 'startTrainingJob'],
    ['tunes where it always does', 'always', {}, 'startTuningJob'],
    ['trains where it is asked not to tune', 'always', { tune: false }, 'startTrainingJob'],
  ] as const)('%s', async (_, when, input, started) => {
    await run(input, declares(when));
    expect(names(calls).filter((name) => /^start.*Job$/.test(name))).toEqual([started]);
  });

  it('ends at once where it is asked to tune a model that declares no search', async () => {
    const { tuning: _, ...training } = churn.training;
    const resolveDeclaration = () => ({
      hash: 'd'.repeat(64),
      declaration: { ...churn, training },
      code: { key: 'code/c.tar.gz', hash: 'c' },
    });
    await withWorkers(environment, mocks({ resolveDeclaration }), async () => {
      const handle = await start({ tune: true });
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    });
    expect(names(calls)).not.toContain('labelEntities');
  });

  it('makes another attempt for want of capacity, with what the first took', async () => {
    let attempts = 0;
    await run(
      { tune: true },
      {
        awaitTuningJob: ({ jobName }: { jobName: string }) => {
          attempts += 1;
          if (attempts > 1) return tuned(jobName);
          throw ApplicationFailure.create({
            type: 'CapacityUnavailable',
            nonRetryable: true,
            message: 'none',
          });
        },
      },
    );
    const [first, second] = arguments_<{ jobName: string }>('startTuningJob').map(({ jobName }) => jobName);
    expect(second).toBe(first!.replace(/a1$/, 'a2'));
    expect(arguments_('awaitTuningJob')).toEqual([
      { jobName: first, earlierJobs: [] },
      { jobName: second, earlierJobs: [first] },
    ]);
  });

  it('shows where the search is, and does not speak of it in a later step', async () => {
    const progress: TuningProgress = {
      phase: 'tuning',
      jobName: 'j',
      seconds: 12,
      trials: { running: 4, completed: 6, failed: 1, stopped: 0 },
      best: { jobName: 'j-002', value: 0.42, hyperparameters: { max_depth: 5 } },
    };
    let release = (): void => undefined;
    const held = new Promise<void>((done) => (release = done));
    const all = mocks({
      awaitTuningJob: async ({ jobName }: { jobName: string }) => {
        await held;
        return tuned(jobName);
      },
      logTrials: async () => {
        await until('the late message', () => lateIsSent);
        return { trials: 20 };
      },
    });
    let lateIsSent = false;
    await withWorkers(environment, all, async () => {
      const handle = await start({ tune: true });
      await until('the wait', () => names(calls).includes('awaitTuningJob'));
      await handle.signal(TUNING_PROGRESS, progress);
      const text = '7 of 20 trials ended, 1 of them failed, 4 running; best so far validation-logloss 0.42';
      await until('it to be shown', async () => (await details(handle)).includes(text));
      release();
      await until('the trials to be logged', () => names(calls).includes('logTrials'));
      await handle.signal(TUNING_PROGRESS, { ...progress, seconds: 99 });
      lateIsSent = true;
      await handle.result();
      expect(await details(handle)).not.toContain('99 s');
    });
  });

  it('stops the search where it is cancelled, whatever its wait died of', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((done) => (release = done));
    const all = mocks({
      awaitTuningJob: async () => {
        await held;
        throw ApplicationFailure.create({ type: 'Lost', nonRetryable: true, message: 'the worker was lost' });
      },
    });
    await withWorkers(environment, all, async () => {
      const handle = await start({ tune: true });
      await until('the wait', () => names(calls).includes('awaitTuningJob'));
      await handle.cancel();
      await until('the activity to be asked to cancel', async () =>
        (await handle.fetchHistory()).events?.some((e) => e.activityTaskCancelRequestedEventAttributes),
      );
      release();
      await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    });
    const [{ jobName }] = arguments_<{ jobName: string }>('startTuningJob') as [{ jobName: string }];
    expect(arguments_('stopTuningJob')).toEqual([{ jobName }]);
  });
});
