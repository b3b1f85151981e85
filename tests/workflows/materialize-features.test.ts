import { ApplicationFailure, type WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { addDays, daysBetween } from '../../contracts/days';
import type { ComputeScope } from '../../contracts/features';
import type { FeatureView } from '../../contracts/model';
import { TaskQueue } from '../../contracts/task-queues';
import { customerAccount, customerUsage } from '../../features';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { until } from '../support/servers';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, type Calls } from './activities';

jest.setTimeout(60_000);

interface Computation {
  view: FeatureView;
  days: string[];
  scope: ComputeScope;
}

describe('materializeFeatures', () => {
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

  const start = (input: object, replaced: Parameters<typeof mockActivities>[1] = {}) =>
    withWorkers(environment, mockActivities(calls, replaced), async () => {
      const handle = await environment.client.workflow.start('materializeFeatures', {
        workflowId: `materialize-features/${uniqueLabel()}`,
        taskQueue: TaskQueue.pipelines,
        args: [input],
      });
      return (await handle.result()) as MaterializeResult;
    });
  const argumentsOf = <T>(activity: string): T[] =>
    calls.filter(([name]) => name === activity).map(([, argument]) => argument as T);
  const computed = (view: FeatureView, scope: ComputeScope): string[] =>
    argumentsOf<Computation>('computeFeatures')
      .filter((one) => one.view.name === view.name && one.scope === scope)
      .flatMap(({ days }) => days)
      .sort();

  it('computes every day of a range, a few at a time, looks back, and loads the newest', async () => {
    const [from, date] = ['2026-01-05', '2026-03-01'];
    await start({ from, date });
    expect(computed(customerUsage, 'changed')).toEqual(daysBetween(from, date));
    expect(computed(customerUsage, 'late')).toEqual(daysBetween(addDays(from, -3), addDays(from, -1)));
    for (const { days } of argumentsOf<Computation>('computeFeatures'))
      expect(days.length).toBeLessThanOrEqual(7);
    for (const argument of argumentsOf('materializeView')) expect(argument).toMatchObject({ asOf: date });
  });

  it('computes days again only where it is asked to', async () => {
    await start({ date: '2026-03-01' });
    expect(computed(customerUsage, 'all')).toEqual([]);
    await start({ date: '2026-03-01', recompute: true });
    expect(computed(customerUsage, 'all')).toEqual(['2026-03-01']);
  });

  it('takes out who has opted out before it loads anything, and asks for the views named', async () => {
    const { optOuts } = await start({ date: '2026-03-01', models: ['churn'], views: ['customer_usage'] });
    expect(optOuts).toEqual({ entities: 3, removed: 1 });
    expect(argumentsOf('viewsToLoad')).toEqual([{ models: ['churn'], views: ['customer_usage'] }]);
    expect(names(calls).slice(0, 2)).toEqual(['viewsToLoad', 'enforceOptOuts']);
  });

  it('goes on with the day before where a view says so, and tells the team', async () => {
    const lenient = { ...customerUsage, whenLate: 'use-previous' as const };
    const { views } = await start(
      { date: '2026-03-01' },
      {
        viewsToLoad: () => [lenient, customerAccount],
        computeFeatures: ({ view, days }: Computation) => {
          if (view.name === lenient.name)
            throw ApplicationFailure.nonRetryable('raw/usage/dt=2026-03-01/: found none', 'MissingObject');
          return { partitions: [], absent: days, notes: [] };
        },
      },
    );
    expect(views.map(({ view, late, watermark }) => [view, late, watermark])).toEqual([
      ['customer_usage', true, '2026-02-28'],
      ['customer_account', false, '2026-03-01'],
    ]);
    expect(argumentsOf('notifyLate')).toEqual([
      expect.objectContaining({ view: 'customer_usage', day: '2026-03-01', using: '2026-02-28' }),
    ]);
    expect(names(calls)).not.toContain('notifyParked');
  });

  it('waits for a person where a view does not, and computes only what is missing when told to go on', async () => {
    let delivered = false;
    const result = await withWorkers(
      environment,
      mockActivities(calls, {
        viewsToLoad: () => [customerUsage],
        computeFeatures: ({ days }: Computation) => {
          if (!delivered && days.includes('2026-03-01'))
            throw ApplicationFailure.nonRetryable('raw/usage/dt=2026-03-01/: found none', 'MissingObject');
          return { partitions: [], absent: [], notes: [] };
        },
        notifyParked: () => {
          delivered = true;
        },
      }),
      async () => {
        const handle = await environment.client.workflow.start('materializeFeatures', {
          workflowId: `materialize-features/${uniqueLabel()}`,
          taskQueue: TaskQueue.pipelines,
          args: [{ date: '2026-03-01' }],
        });
        await until('the run to park', () => delivered);
        await handle.executeUpdate('resolveFailure', {
          args: [{ action: 'retry', by: 'ana', note: 'delivered' }],
        });
        return (await handle.result()) as MaterializeResult;
      },
    );
    expect(result.views).toEqual([expect.objectContaining({ late: false, watermark: '2026-03-01' })]);
    expect(names(calls)).not.toContain('notifyLate');
  });

  it('takes the last complete day where none is named', async () => {
    const { date } = await start({});
    expect(date).toBe(lastCompleteDay(new Date()));
    expect(computed(customerUsage, 'changed')).toEqual([date]);
  });

  it.each([
    ['a day that no calendar has', { date: '2026-02-31' }, 'date'],
    ['a first day that none has', { from: '2026-02-30', date: '2026-03-01' }, 'from'],
    ['a first day after the last', { from: '2026-03-02', date: '2026-03-01' }, 'from'],
    ['a moment', { date: '2026-03-01T04:00:00Z' }, 'date'],
  ])('refuses %s at once, naming the field', async (_what, input, field) => {
    const failure = await start(input).then(
      () => undefined,
      (error: WorkflowFailedError) => error.cause as ApplicationFailure,
    );
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure!.details![0]).toMatchObject([{ field, expected: expect.stringContaining('a date') }]);
    expect(names(calls)).toEqual([]);
  });
});
