import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLimitActivities } from '../../activities/limits';
import { createLimitClient } from '../../activities/limits/limit-client';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import { churn } from '../../models/churn/model';
import { toFailure } from '../../platform/temporal';
import { until } from '../support/servers';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, trained, type Calls } from '../workflows/activities';

jest.setTimeout(120_000);
/** A machine shared with others may take many times what a quiet one takes. */
const PATIENCE_MS = 60_000;

/** Long enough for a busy machine to renew in time, and short enough to wait for. */
const LEASE_SECONDS = 9;

type Activity = (argument: never) => Promise<unknown>;

/** What they throw becomes a failure, as the platform's workers make it one. */
const asWorkersRun = (activities: Record<string, Activity>): Record<string, Activity> =>
  Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      (argument: never) =>
        activity(argument).catch((error: unknown) => {
          throw toFailure(error);
        }),
    ]),
  );

describe('limits', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;
  let declared: object | null;

  beforeAll(async () => {
    environment = await startTemporal();
  });
  afterAll(async () => {
    await replayAll(environment.client, { open: { 'limit/': 'ends once nobody has asked for minutes' } });
    await environment.teardown();
  });
  beforeEach(() => {
    calls = [];
  });

  /** Trainings of a team of its own, whose jobs run until they are let go. */
  const stage = (team: string) => {
    const running = new Map<string, () => void>();
    const mocks = mockActivities(calls, {
      resolveDeclaration: () => ({
        hash: 'd'.repeat(64),
        declaration: { ...churn, owner: team },
        code: { key: 'code/c.tar.gz', hash: 'c' },
      }),
      allocateVersion: ({ allocation }: { allocation: { runKey: string } }) =>
        `churn-v1.${Array.from(allocation.runKey).reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1e6, 0)}.0`,
      evaluateVersion: () => ({ rows: 1, metrics: {}, gate: { verdict: 'fail', rules: [] } }),
      awaitTrainingJob: async ({ jobName }: { jobName: string }) => {
        const letGo = new Promise<void>((done) => running.set(jobName, done));
        // The end of the worker ends it too, so that a test that fails does not wait for its jobs.
        await Promise.race([letGo, Context.current().cancelled]);
        return trained(jobName);
      },
      ...asWorkersRun(
        createLimitActivities({
          temporal: environment.client,
          store: {
            uri: (key) => `s3://bucket/${key}`,
            find: async () => (declared ? { body: Buffer.from(JSON.stringify(declared)), etag: '' } : null),
          },
          leaseSeconds: LEASE_SECONDS,
        }),
      ),
    });
    const start = (): Promise<WorkflowHandle> =>
      environment.client.workflow.start('retrainModel', {
        workflowId: `retrain/churn/${uniqueLabel()}`,
        taskQueue: TaskQueue.pipelines,
        args: [{ model: 'churn' }],
      });
    return { mocks, start, running };
  };

  const details = (handle: WorkflowHandle): Promise<string> =>
    handle.query<object>('__temporal_workflow_metadata').then((metadata) => JSON.stringify(metadata));
  const shows = (handle: WorkflowHandle, text: string) =>
    until(text, async () => (await details(handle)).includes(text), PATIENCE_MS);
  const jobs = () => names(calls).filter((name) => name === 'startTrainingJob').length;
  const trains = (running: Map<string, () => void>, count: number) =>
    until(`${count} jobs to run`, () => running.size === count, PATIENCE_MS);

  it('lets as many train as there may, the others wait their turn in view, and one that is cancelled leaves', async () => {
    declared = { teams: { 'team-a': 1 } };
    const { mocks, start, running } = stage('team-a');
    await withWorkers(environment, mocks, async () => {
      const first = await start();
      await trains(running, 1);
      const second = await start();
      await shows(second, 'waits for 1 of 1 team-a; place 1');
      const third = await start();
      await shows(third, 'waits for 1 of 1 team-a; place 2');
      const limit = environment.client.workflow.getHandle(WorkflowId.limit('team-a'));
      await shows(limit, 'team-a: 1 of 1 in use, 2 waiting');
      expect(await details(limit)).toMatch(
        new RegExp(`▶ ${first.workflowId}.*1\\. ${second.workflowId}.*2\\. ${third.workflowId}`, 's'),
      );
      expect(jobs()).toBe(1);

      await second.cancel();
      await expect(second.result()).rejects.toThrow('Workflow execution cancelled');
      await shows(third, 'waits for 1 of 1 team-a; place 1');
      [...running.values()].at(-1)!();
      await first.result();
      await trains(running, 2);
      expect(jobs()).toBe(2);
      [...running.values()].at(-1)!();
      await third.result();
      await shows(limit, 'team-a: 0 of 1 in use, 0 waiting');
    });
  });

  it('gives the units of a run that was killed to who waits', async () => {
    declared = { teams: { 'team-b': 1 } };
    const { mocks, start, running } = stage('team-b');
    await withWorkers(environment, mocks, async () => {
      const killed = await start();
      await trains(running, 1);
      const next = await start();
      await shows(next, 'place 1');
      await killed.terminate('killed');
      await trains(running, 2);
      for (const finish of running.values()) finish();
      expect(await next.result()).toMatchObject({ verdict: 'fail' });
    });
  });

  it('loses the lease of a holder of which nothing is heard any more, and no sooner', async () => {
    const { mocks } = stage('nobody');
    const limits = createLimitClient(environment.client);
    const claim = (holder: string) => ({ holder, units: 1, capacity: 1, leaseSeconds: 3, running: false });
    await withWorkers(environment, mocks, async () => {
      const begun = Date.now();
      expect(await limits.acquire('m1', 'a', claim('dead'))).toMatchObject({ state: 'granted' });
      const waiting = { ...claim('next'), leaseSeconds: 60 };
      expect(await limits.acquire('m1', 'b', waiting)).toMatchObject({ state: 'queued', place: 1 });
      await until(
        'the lease to be over',
        async () => (await limits.standing('m1', 'next'))?.state === 'granted',
      );
      expect(Date.now() - begun).toBeGreaterThanOrEqual(3000);
      expect(await limits.standing('m1', 'dead')).toMatchObject({ state: 'absent' });
    });
  });

  it('goes on where the limit itself was lost: who trains holds again, who waits asks again', async () => {
    declared = { teams: { 'team-c': 1 } };
    const { mocks, start, running } = stage('team-c');
    await withWorkers(environment, mocks, async () => {
      const first = await start();
      await trains(running, 1);
      const limit = () => environment.client.workflow.getHandle(WorkflowId.limit('team-c'));
      await limit().terminate('lost');
      await until('the limit to be there again', async () => {
        const { status } = await limit().describe();
        return status.name === 'RUNNING';
      });
      await shows(limit(), `▶ ${first.workflowId}`);
      for (const finish of running.values()) finish();
      expect(await first.result()).toMatchObject({ verdict: 'fail' });
      await shows(limit(), '0 of 1 in use');
    });
  });

  it('parks, saying so, where a job needs more than there ever is, and goes on once the limit is raised', async () => {
    declared = { instanceTypes: { [churn.training.instanceType]: 0 } };
    const { mocks, start, running } = stage('team-d');
    await withWorkers(environment, mocks, async () => {
      const handle = await start();
      await shows(handle, 'the job needs 1, and there are 0 in all');
      declared = { instanceTypes: { [churn.training.instanceType]: 1 } };
      await handle.executeUpdate('resolveFailure', { args: [{ action: 'retry' }] });
      await trains(running, 1);
      for (const finish of running.values()) finish();
      expect(await handle.result()).toMatchObject({ verdict: 'fail' });
    });
  });

  it('asks no limit where none is declared', async () => {
    declared = null;
    const { mocks, start, running } = stage('team-e');
    await withWorkers(environment, mocks, async () => {
      const handle = await start();
      await trains(running, 1);
      for (const finish of running.values()) finish();
      await handle.result();
    });
    expect(names(calls)).toContain('findLimits');
    expect(names(calls).filter((name) => name.endsWith('Units'))).toEqual([]);
  });

  it('keeps holders, queue and who gave back when its history grows long', async () => {
    const { mocks } = stage('nobody');
    const limits = createLimitClient(environment.client);
    const claim = (holder: string) => ({ holder, units: 1, capacity: 1, leaseSeconds: 600, running: false });
    await withWorkers(environment, mocks, async () => {
      await limits.acquire('long', '1', claim('holder'));
      await limits.acquire('long', '2', claim('gone'));
      await limits.acquire('long', '3', claim('waiter'));
      await limits.release('long', '4', 'gone');
      const handle = environment.client.workflow.getHandle(WorkflowId.limit('long'));
      const { runId } = await handle.describe();
      for (let n = 0; n < 520; n += 4) {
        await Promise.all(
          [0, 1, 2, 3].map((lane) => limits.acquire('long', `renew ${n + lane}`, claim('holder'))),
        );
      }
      expect((await handle.describe()).runId).not.toBe(runId);
      expect(await limits.standing('long', 'holder')).toMatchObject({ state: 'granted' });
      expect(await limits.standing('long', 'waiter')).toMatchObject({ state: 'queued', place: 1 });
      expect(await limits.acquire('long', 'late', { ...claim('gone'), running: true })).toMatchObject({
        state: 'released',
        inUse: 1,
      });
    });
  });

  it('refuses a claim of no holder, of no units or of no length, and holds nothing', async () => {
    const limits = createLimitClient(environment.client);
    const claim = { holder: 'h', units: 1, leaseSeconds: 1, capacity: 1 };
    const { holder: _, ...nobodys } = claim;
    await withWorkers(environment, stage('nobody').mocks, async () => {
      for (const bad of [nobodys, { ...claim, units: 0 }, { ...claim, leaseSeconds: 0 }]) {
        await expect(limits.acquire('typo', uniqueLabel(), bad as never)).rejects.toMatchObject({
          cause: { type: 'InvalidInput' },
        });
      }
      expect(await limits.standing('typo', 'h')).toMatchObject({ state: 'absent', inUse: 0 });
    });
  });
});
