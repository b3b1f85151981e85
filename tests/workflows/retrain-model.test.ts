import {
  ApplicationFailure,
  CancelledFailure,
  type WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TaskQueue } from '../../contracts/task-queues';
import { churn } from '../../models/churn/model';
import { until } from '../support/servers';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { failedGate, mockActivities, names, trained, type Calls } from './activities';

jest.setTimeout(60_000);

describe('retrainModel', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;

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

  const start = (input: unknown, workflowId = `retrain/churn/${uniqueLabel()}`): Promise<WorkflowHandle> =>
    environment.client.workflow.start('retrainModel', {
      workflowId,
      taskQueue: TaskQueue.pipelines,
      args: [input],
    });

  const parked = async (handle: WorkflowHandle): Promise<string> => {
    for (;;) {
      const { searchAttributes } = await handle.describe();
      if (searchAttributes['MeridianNeedsAttention']?.[0] === true) return details(handle);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const details = async (handle: WorkflowHandle): Promise<string> =>
    handle.query<string>('__temporal_workflow_metadata').then((m) => JSON.stringify(m));
  const called = (activity: string) => until(activity, () => names(calls).includes(activity));
  const cancelRequested = (handle: WorkflowHandle) =>
    until('the activity to be asked to cancel', async () =>
      (await handle.fetchHistory()).events?.some((e) => e.activityTaskCancelRequestedEventAttributes),
    );
  /** What an activity waits at until the test lets it go on. */
  const gate = () => {
    let release = (): void => undefined;
    const held = new Promise<void>((done) => (release = done));
    return { held, release: () => release() };
  };
  const resolve = (handle: WorkflowHandle, decision: object): Promise<unknown> =>
    handle.executeUpdate('resolveFailure', { args: [decision] });
  const failureOf = async (handle: WorkflowHandle): Promise<ApplicationFailure> => {
    const error = await handle.result().then(
      () => undefined,
      (e: WorkflowFailedError) => e,
    );
    let cause: unknown = error?.cause;
    while (cause instanceof Error && !(cause instanceof ApplicationFailure)) cause = cause.cause;
    return cause as ApplicationFailure;
  };

  it('goes from labels to a roll-out, each step once', async () => {
    await withWorkers(environment, mockActivities(calls), async () => {
      const handle = await start({ model: 'churn' });
      const result = (await handle.result()) as Record<string, unknown>;
      expect(result).toMatchObject({
        version: 'churn-v1.0.0',
        snapshot: 'abc',
        verdict: 'pass',
        rollOut: 'roll-out/churn/churn-v1.0.0',
      });
      await environment.client.workflow.getHandle('roll-out/churn/churn-v1.0.0').result();
    });
    const steps = [
      'resolveDeclaration',
      'labelEntities',
      'snapshotDataset',
      'validateSnapshot',
      'startTrainingJob',
      'awaitTrainingJob',
      'allocateVersion',
      'packageVersion',
      'registerVersion',
      'evaluateVersion',
      'requestDecision',
    ];
    expect(names(calls).filter((name) => steps.includes(name))).toEqual(steps);
  });

  it('keeps a version that does not pass in Staging, and says so', async () => {
    const mocks = mockActivities(calls, {
      evaluateVersion: failedGate,
      allocateVersion: () => 'churn-v1.1.0',
    });
    const result = await withWorkers(environment, mocks, async () =>
      (await start({ model: 'churn' })).result(),
    );
    expect(result).toMatchObject({ verdict: 'fail', rollOut: null });
    expect(calls.filter(([name]) => name === 'notifyTrainingEnded')).toMatchObject([
      ['notifyTrainingEnded', { verdict: 'fail', version: 'churn-v1.1.0' }],
    ]);
    expect(names(calls)).not.toContain('requestDecision');
  });

  it('ends in Staging all the same where nobody can be told', async () => {
    const mocks = mockActivities(calls, {
      evaluateVersion: failedGate,
      allocateVersion: () => 'churn-v1.1.1',
      notifyTrainingEnded: () => {
        throw ApplicationFailure.create({
          type: 'AccessDenied',
          nonRetryable: true,
          message: 'invalid_auth',
        });
      },
    });
    const result = await withWorkers(environment, mocks, async () =>
      (await start({ model: 'churn' })).result(),
    );
    expect(result).toMatchObject({ verdict: 'fail', rollOut: null });
    expect(names(calls)).not.toContain('notifyParked');
  });

  it('ends at once on bad input, naming each field', async () => {
    const failure = await withWorkers(environment, mockActivities(calls), async () =>
      failureOf(await start({ model: 'Churn!', asOf: 'yesterday', colour: 'red' })),
    );
    expect(failure.type).toBe('InvalidInput');
    expect(failure.nonRetryable).toBe(true);
    const fields = (failure.details![0] as { field: string }[]).map(({ field }) => field);
    expect(fields.sort()).toEqual(['asOf', 'colour', 'model']);
    expect(calls).toEqual([]);
  });

  it('ends at once on a model that nobody declared', async () => {
    const unknown = ApplicationFailure.create({
      type: 'UnknownModel',
      nonRetryable: true,
      message: 'No model "chrun" is declared.',
    });
    const mocks = mockActivities(calls, {
      resolveDeclaration: () => {
        throw unknown;
      },
    });
    const failure = await withWorkers(environment, mocks, async () =>
      failureOf(await start({ model: 'chrun' })),
    );
    expect(failure.type).toBe('UnknownModel');
    expect(names(calls)).not.toContain('notifyParked');
  });

  it('parks a step that failed for good, and a retry does that step again and no other', async () => {
    let attempts = 0;
    const mocks = mockActivities(calls, {
      allocateVersion: () => 'churn-v1.2.0',
      awaitTrainingJob: ({ jobName }: { jobName: string }) => {
        attempts += 1;
        if (attempts === 1) {
          throw ApplicationFailure.create({
            type: 'TrainingFailed',
            nonRetryable: true,
            message: 'ValueError: the label column is empty',
          });
        }
        return trained(jobName);
      },
    });
    await withWorkers(environment, mocks, async () => {
      const handle = await start({ model: 'churn' });
      expect(await parked(handle)).toContain('the label column is empty');
      await expect(resolve(handle, { action: 'perhaps' })).rejects.toMatchObject({
        cause: { type: 'InvalidInput' },
      });
      await expect(resolve(handle, { action: 'skip' })).rejects.toMatchObject({
        cause: { message: expect.stringContaining('leaves the choice to retry or abort') },
      });
      expect(await resolve(handle, { action: 'retry', note: 'labels delivered', by: 'me' })).toBe(
        'retry: train',
      );
      expect(await handle.result()).toMatchObject({ verdict: 'pass' });
      await environment.client.workflow.getHandle('roll-out/churn/churn-v1.2.0').result();
    });
    const count = (name: string) => names(calls).filter((n) => n === name).length;
    expect(count('notifyParked')).toBe(1);
    expect(count('snapshotDataset')).toBe(1);
    const jobs = calls
      .filter(([name]) => name === 'startTrainingJob')
      .map(([, argument]) => (argument as { jobName: string }).jobName);
    expect(jobs.map((job) => job.replace(/.*-(g\d+a\d+)$/, '$1'))).toEqual(['g1a1', 'g2a1']);
  });

  it('parks over the cost cap before anything is started; a retry approves, and nobody is asked again', async () => {
    let failed = false;
    const mocks = mockActivities(calls, {
      allocateVersion: () => 'churn-v1.5.0',
      evaluateVersion: failedGate,
      resolveDeclaration: () => ({
        hash: 'd'.repeat(64),
        declaration: { ...churn, training: { ...churn.training, costCapDollars: 0.2 } },
        code: { key: 'code/c.tar.gz', hash: 'c' },
      }),
      awaitTrainingJob: ({ jobName }: { jobName: string }) => {
        if (failed) return trained(jobName);
        failed = true;
        throw ApplicationFailure.create({ type: 'TrainingFailed', nonRetryable: true, message: 'no memory' });
      },
    });
    await withWorkers(environment, mocks, async () => {
      const handle = await start({ model: 'churn', by: 'ana' });
      const shown = await parked(handle);
      expect(shown).toContain('CostCapExceeded');
      expect(shown).toContain('estimated at up to $0.23, expected at most $0.20');
      expect(names(calls)).not.toContain('startTrainingJob');
      await resolve(handle, { action: 'retry', by: 'the owner' });
      await until('the training to fail', async () => (await details(handle)).includes('no memory'));
      expect(await details(handle)).toContain('approved over the cap of $0.20');
      await resolve(handle, { action: 'retry' });
      await handle.result();
    });
    const told = (name: string) => calls.filter(([activity]) => activity === name).map(([, a]) => a);
    expect(told('notifyParked')).toEqual([
      expect.objectContaining({ step: 'estimate' }),
      expect.objectContaining({ step: 'train' }),
    ]);
    expect(told('notifyTrainingEnded')).toEqual([
      expect.objectContaining({ ended: 'completed', by: 'ana', version: 'churn-v1.5.0', verdict: 'fail' }),
    ]);
  });

  it('trains anew, under another name, where the same workflow ID is run again', async () => {
    const mocks = mockActivities(calls, {
      awaitTrainingJob: () => {
        throw ApplicationFailure.create({ type: 'TrainingFailed', nonRetryable: true, message: 'no memory' });
      },
    });
    const workflowId = `retrain/churn/${uniqueLabel()}`;
    await withWorkers(environment, mocks, async () => {
      for (let run = 1; run <= 2; run += 1) {
        const handle = await start({ model: 'churn', label: 'again' }, workflowId);
        await parked(handle);
        await resolve(handle, { action: 'abort' });
        expect((await failureOf(handle)).type).toBe('StepAborted');
      }
    });
    const [first, second] = calls
      .filter(([name]) => name === 'startTrainingJob')
      .map(([, argument]) => (argument as { jobName: string }).jobName);
    expect(first).toMatch(/^churn-again-[0-9a-f]{12}-g1a1$/);
    expect(second).toMatch(/^churn-again-[0-9a-f]{12}-g1a1$/);
    expect(second).not.toBe(first);
  });

  it('raises the attempt, not the generation, for want of capacity', async () => {
    let attempts = 0;
    const mocks = mockActivities(calls, {
      allocateVersion: () => 'churn-v1.3.0',
      awaitTrainingJob: ({ jobName }: { jobName: string }) => {
        attempts += 1;
        if (attempts < 3)
          throw ApplicationFailure.create({
            type: 'CapacityUnavailable',
            nonRetryable: true,
            message: 'CapacityError',
          });
        return trained(jobName);
      },
    });
    await withWorkers(environment, mocks, async () => {
      await (await start({ model: 'churn' })).result();
      await environment.client.workflow.getHandle('roll-out/churn/churn-v1.3.0').result();
    });
    const jobs = calls
      .filter(([name]) => name === 'startTrainingJob')
      .map(([, argument]) => (argument as { jobName: string }).jobName);
    expect(jobs.map((job) => job.replace(/.*-(g\d+a\d+)$/, '$1'))).toEqual(['g1a1', 'g1a2', 'g1a3']);
  });

  it('stops the job where it is cancelled before the start is answered', async () => {
    const { held, release } = gate();
    const mocks = mockActivities(calls, {
      startTrainingJob: async ({ jobName }: { jobName: string }) => {
        await held;
        return { jobName, adopted: false };
      },
    });
    await withWorkers(environment, mocks, async () => {
      const handle = await start({ model: 'churn' });
      await called('startTrainingJob');
      await handle.cancel();
      await cancelRequested(handle);
      release();
      await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    });
    expect(names(calls).slice(-3)).toEqual(['startTrainingJob', 'stopTrainingJob', 'notifyTrainingEnded']);
    expect(calls.at(-2)![1]).toEqual({ jobName: (calls.at(-3)![1] as { jobName: string }).jobName });
    expect(calls.at(-1)![1]).toMatchObject({ model: 'churn', ended: 'cancelled', version: null });
  });

  it('stops the job where it is cancelled during the training, whatever became of the wait', async () => {
    const { held, release } = gate();
    const mocks = mockActivities(calls, {
      awaitTrainingJob: async () => {
        await held;
        throw new Error('the worker had no time for it');
      },
    });
    await withWorkers(environment, mocks, async () => {
      const handle = await start({ model: 'churn' });
      await called('awaitTrainingJob');
      await handle.cancel();
      await cancelRequested(handle);
      release();
      await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
    });
    expect(names(calls).slice(-3)).toEqual(['awaitTrainingJob', 'stopTrainingJob', 'notifyTrainingEnded']);
    expect(names(calls)).not.toContain('notifyParked');
  });

  it('lets the leaf park alone: the evaluation waits for a person, its parent does not', async () => {
    let attempts = 0;
    const mocks = mockActivities(calls, {
      allocateVersion: () => 'churn-v1.4.0',
      evaluateVersion: () => {
        attempts += 1;
        throw ApplicationFailure.create({
          type: 'BadArtifact',
          nonRetryable: true,
          message: 'model.onnx: golden row 3 is off',
        });
      },
    });
    await withWorkers(environment, mocks, async () => {
      const parent = await start({ model: 'churn' });
      const leaf = environment.client.workflow.getHandle('evaluate/churn/churn-v1.4.0');
      for (;;) {
        if (attempts > 0) break;
        await new Promise((done) => setTimeout(done, 50));
      }
      await parked(leaf);
      const { searchAttributes } = await parent.describe();
      expect(searchAttributes['MeridianNeedsAttention']?.[0]).not.toBe(true);
      await resolve(leaf, { action: 'abort', by: 'me', note: 'bad training' });
      expect((await failureOf(parent)).type).toBe('StepAborted');
    });
    expect(names(calls).filter((name) => name === 'notifyParked')).toHaveLength(1);
  });
});
