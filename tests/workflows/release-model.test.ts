import { WithStartWorkflowOperation, type Workflow, type WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { DecisionOutcome, ReleaseDecision } from '../../contracts/decision';
import { TaskQueue } from '../../contracts/task-queues';
import { replayAll, startTemporal, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, served, type Calls } from './activities';

jest.setTimeout(60_000);

describe('releaseModel', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;

  beforeAll(async () => {
    environment = await startTemporal();
  });
  afterAll(async () => {
    await replayAll(environment.client, { open: { 'release/': 'the writer of a model runs for ever' } });
    await environment.teardown();
  });
  beforeEach(() => {
    calls = [];
  });

  /** The writer's activities, over a bucket in memory. */
  const writer = (replaced: Parameters<typeof mockActivities>[1] = {}) => {
    let n = 0;
    return mockActivities(calls, {
      recoverState: () => ({ minors: { 1: 4 }, allocations: [], auditHead: null, unfinished: null }),
      reserveVersion: () => undefined,
      planDecision: ({ decision }: { decision: ReleaseDecision }) => ({
        decision,
        before: null,
        production: served(decision.version),
        candidate: null,
      }),
      writeGeneration: ({ model, plan }: { model: string; plan: { decision: ReleaseDecision } }) => ({
        n: (n += 1),
        model,
        production: served(plan.decision.version),
      }),
      movePointer: () => undefined,
      recordStages: () => undefined,
      awaitServing: () => ({ workers: ['w1'] }),
      append: ({ previous }: { previous: { n: number } | null }) => ({
        n: (previous?.n ?? 0) + 1,
        hash: 'h',
      }),
      ...replaced,
    });
  };
  const ask = <T>(model: string, update: string, updateId: string, argument: unknown): Promise<T> =>
    environment.client.workflow.executeUpdateWithStart<Workflow, T, [unknown]>(update, {
      updateId,
      args: [argument],
      startWorkflowOperation: new WithStartWorkflowOperation('releaseModel', {
        workflowId: `release/${model}`,
        taskQueue: TaskQueue.pipelines,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ model }],
      }),
    });
  const decide = (model: string, decision: Partial<ReleaseDecision>) =>
    ask<DecisionOutcome>(model, 'decide', decision.id!, { by: 'me', reason: '', ...decision });
  const outcome = async (model: string, id: string): Promise<DecisionOutcome> => {
    const handle = environment.client.workflow.getHandle(`release/${model}`);
    for (;;) {
      const found = await handle.query<DecisionOutcome | null, [string]>('decision', id);
      if (found && found.status !== 'queued' && found.status !== 'applying') return found;
      await new Promise((done) => setTimeout(done, 30));
    }
  };

  it('gives the same run the same version, and every run another; numbers go on from the bucket', async () => {
    const versions = await withWorkers(environment, writer(), async () => [
      await ask<string>('alloc', 'allocateVersion', 'a', { runKey: 'a', schemaVersion: 1 }),
      await ask<string>('alloc', 'allocateVersion', 'b', { runKey: 'b', schemaVersion: 1 }),
      await ask<string>('alloc', 'allocateVersion', 'a-again', { runKey: 'a', schemaVersion: 1 }),
      await ask<string>('alloc', 'allocateVersion', 'c', { runKey: 'c', schemaVersion: 2 }),
    ]);
    expect(versions).toEqual(['alloc-v1.5.0', 'alloc-v1.6.0', 'alloc-v1.5.0', 'alloc-v2.0.0']);
  });

  it('carries a decision out in order, once, whoever asks again', async () => {
    await withWorkers(environment, writer(), async () => {
      const decision = { id: 'd1', kind: 'promote' as const, version: 'order-v1.0.0' };
      await Promise.all([decide('order', decision), decide('order', decision)]);
      expect(await outcome('order', 'd1')).toMatchObject({ status: 'done', generation: 1 });
      expect(await decide('order', decision)).toMatchObject({ id: 'd1' });
    });
    expect(names(calls)).toEqual([
      'recoverState',
      'planDecision',
      'writeGeneration',
      'movePointer',
      'recordStages',
      'awaitServing',
      'append',
    ]);
  });

  it('takes a rollback before everything that waits', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await withWorkers(
      environment,
      writer({ awaitServing: () => gate.then(() => ({ workers: ['w1'] })) }),
      async () => {
        await decide('queue', { id: 'd1', kind: 'promote', version: 'queue-v1.0.0' });
        await decide('queue', { id: 'd2', kind: 'promote', version: 'queue-v1.1.0' });
        await decide('queue', { id: 'd3', kind: 'rollback', version: 'queue-v1.0.0' });
        open();
        expect(await outcome('queue', 'd2')).toMatchObject({ status: 'done', generation: 3 });
      },
    );
    const planned = calls
      .filter(([name]) => name === 'planDecision')
      .map(([, a]) => (a as { decision: ReleaseDecision }).decision.id);
    expect(planned).toEqual(['d1', 'd3', 'd2']);
  });

  it('refuses what stands against the record, and goes on', async () => {
    const replaced = {
      planDecision: ({ decision }: { decision: ReleaseDecision }) =>
        decision.id === 'bad'
          ? { refused: 'its verdict is fail' }
          : { decision, before: null, production: served(decision.version), candidate: null },
    };
    await withWorkers(environment, writer(replaced), async () => {
      await decide('refuse', { id: 'bad', kind: 'promote', version: 'refuse-v1.0.0' });
      await decide('refuse', { id: 'good', kind: 'promote', version: 'refuse-v1.1.0' });
      expect(await outcome('refuse', 'bad')).toMatchObject({
        status: 'refused',
        problem: 'its verdict is fail',
        generation: null,
      });
      expect(await outcome('refuse', 'good')).toMatchObject({ status: 'done', generation: 1 });
      await expect(
        decide('refuse', { id: 'other', kind: 'promote', version: 'churn-v1.0.0' }),
      ).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    });
  });

  it('remembers versions and decisions across continue-as-new', async () => {
    await withWorkers(environment, writer(), async () => {
      const version = await ask<string>('long', 'allocateVersion', 'a', { runKey: 'a', schemaVersion: 1 });
      for (let i = 0; i < 25; i += 1)
        await decide('long', { id: `d${i}`, kind: 'promote', version: 'long-v1.0.0' });
      expect(await outcome('long', 'd24')).toMatchObject({ status: 'done', generation: 25 });
      expect(await decide('long', { id: 'd3', kind: 'promote', version: 'long-v1.0.0' })).toMatchObject({
        generation: 4,
      });
      expect(await ask<string>('long', 'allocateVersion', 'a-later', { runKey: 'a', schemaVersion: 1 })).toBe(
        version,
      );
    });
    expect(names(calls).filter((name) => name === 'recoverState')).toHaveLength(1);
  });

  it('lets a rollback pass a decision that workers do not take', async () => {
    const bad = ApplicationFailure.create({
      type: 'BadArtifact',
      nonRetryable: true,
      message: 'golden row 3 is off',
    });
    const replaced = {
      awaitServing: ({ generation }: { generation: { n: number } }) => {
        if (generation.n === 1) throw bad;
        return { workers: ['w1'] };
      },
    };
    await withWorkers(environment, writer(replaced), async () => {
      await decide('pass', { id: 'd1', kind: 'promote', version: 'pass-v1.1.0' });
      const handle = environment.client.workflow.getHandle('release/pass');
      for (;;) {
        const { searchAttributes } = await handle.describe();
        if (searchAttributes['MeridianNeedsAttention']?.[0] === true) break;
        await new Promise((done) => setTimeout(done, 50));
      }
      await expect(
        handle.executeUpdate('resolveFailure', { args: [{ action: 'abort' }] }),
      ).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
      await decide('pass', { id: 'd2', kind: 'rollback', version: 'pass-v1.1.0' });
      expect(await outcome('pass', 'd2')).toMatchObject({ status: 'done', generation: 2 });
      expect(await outcome('pass', 'd1')).toMatchObject({ status: 'overtaken', generation: 1 });
    });
    expect(names(calls).filter((name) => name === 'append')).toHaveLength(2);
  });

  it('carries a decision to its end that a writer before it had begun to write', async () => {
    const generation = {
      n: 7,
      decisionId: 'd7',
      kind: 'promote',
      who: 'ana',
      why: 'it passed',
      production: served('half-v1.2.0'),
    };
    const replaced = {
      recoverState: () => ({
        minors: { 1: 2 },
        allocations: [{ runKey: 'a', version: 'half-v1.2.0' }],
        auditHead: { n: 6, hash: 'h6' },
        unfinished: { generation, before: null, evidence: null },
      }),
    };
    await withWorkers(environment, writer(replaced), async () => {
      expect(await ask<string>('half', 'allocateVersion', 'a', { runKey: 'a', schemaVersion: 1 })).toBe(
        'half-v1.2.0',
      );
    });
    expect(names(calls).filter((name) => name !== 'reserveVersion')).toEqual([
      'recoverState',
      'movePointer',
      'recordStages',
      'awaitServing',
      'append',
    ]);
    expect(calls.find(([name]) => name === 'append')?.[1]).toMatchObject({
      previous: { n: 6 },
      who: 'ana',
      what: 'promote',
    });
  });

  it.each(['promote', 'rollback'] as const)(
    'answers a %s that a writer before it had written with what it came to, however often it is asked',
    async (kind) => {
      const model = `lost-${kind}`;
      const version = `${model}-v1.2.0`;
      const generation = {
        n: 7,
        decisionId: 'd7',
        kind,
        who: 'ana',
        why: 'it passed',
        production: served(version),
      };
      const done = (id: string, n: number): DecisionOutcome => ({
        id,
        status: 'done',
        generation: n,
        problem: null,
      });
      const replaced = {
        recoverState: () => ({
          minors: { 1: 2 },
          allocations: [],
          auditHead: { n: 6, hash: 'h6' },
          outcomes: [done('d6', 6), { ...done('d7', 7), status: 'applying' }],
          unfinished: { generation, before: null, evidence: null },
        }),
        // As the bucket would answer: what served before was left already.
        planDecision: ({ decision }: { decision: ReleaseDecision }) =>
          decision.id === 'd8'
            ? { decision, before: null, production: served(decision.version), candidate: null }
            : { refused: 'Conflict: that version is not Production' },
      };
      await withWorkers(environment, writer(replaced), async () => {
        // Asked again before the writer has read what was written, while it completes it, and afterwards.
        await decide(model, { id: 'd7', kind, version });
        expect(await outcome(model, 'd7')).toEqual(done('d7', 7));
        expect(
          await ask<DecisionOutcome>(model, 'decide', 'd7-again', { id: 'd7', kind, version, by: 'me' }),
        ).toEqual(done('d7', 7));
        expect(await decide(model, { id: 'd6', kind: 'promote', version })).toEqual(done('d6', 6));
        await decide(model, { id: 'd8', kind: 'promote', version });
        expect(await outcome(model, 'd8')).toMatchObject({ status: 'done' });
      });
      const of = (activity: string) => calls.filter(([name]) => name === activity).map(([, a]) => a);
      expect(of('planDecision')).toEqual([
        expect.objectContaining({ decision: expect.objectContaining({ id: 'd8' }) }),
      ]);
      expect(of('writeGeneration')).toHaveLength(1);
      expect(of('append')).toEqual([
        expect.objectContaining({ what: kind, after: { generation, evidence: null } }),
        expect.objectContaining({ what: 'promote' }),
      ]);
    },
  );

  it.each([
    ['a kind that there is not', { id: 'x', kind: 'Promote' as never, version: 'typo-v1.0.0' }],
    ['no ID', { id: undefined as never, kind: 'promote' as const, version: 'typo-v1.0.0' }],
    ['a route without a weight', { id: 'x', kind: 'route' as const, version: 'typo-v1.0.0' }],
    ['all of the traffic as a route', { id: 'x', kind: 'route' as const, version: 'typo-v1.0.0', weight: 1 }],
    ['another model’s version', { id: 'x', kind: 'promote' as const, version: 'churn-v1.0.0' }],
  ])('refuses %s, and decides nothing', async (_, decision) => {
    await withWorkers(environment, writer(), async () => {
      await expect(
        ask('typo', 'decide', `typo-${Math.random()}`, { by: 'me', ...decision }),
      ).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    });
    expect(names(calls)).not.toContain('planDecision');
  });

  it('refuses to run under any other ID', async () => {
    const failure = await withWorkers(environment, writer(), () =>
      environment.client.workflow
        .execute('releaseModel', {
          workflowId: 'my-own-writer',
          taskQueue: TaskQueue.pipelines,
          args: [{ model: 'churn' }],
        })
        .then(
          () => undefined,
          (error: WorkflowFailedError) => error.cause as ApplicationFailure,
        ),
    );
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure!.message).toContain('release/churn');
  });
});
