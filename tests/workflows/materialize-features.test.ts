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

  it('tells that there was nobody to load, and what was left out', async () => {
    const nobody = { entities: 0, written: 0, removed: 2, leftOut: ['2026-02-27'], verified: 0 };
    const replaced = { materializeView: ({ asOf }: { asOf: string }) => ({ ...nobody, watermark: asOf }) };
    await withWorkers(environment, mockActivities(calls, replaced), async () => {
      const handle = await environment.client.workflow.start('materializeFeatures', {
        workflowId: `materialize-features/${uniqueLabel()}`,
        taskQueue: TaskQueue.pipelines,
        args: [{ date: '2026-03-01' }],
      });
      await handle.result();
      const { currentDetails } = await handle.query<{ currentDetails: string }>(
        '__temporal_workflow_metadata',
      );
      expect(currentDetails).toContain('**no entity** has a row alive, 0 written, 2 removed');
      expect(currentDetails).toContain('for failed checks: 2026-02-27');
    });
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

  /** Computes every day but these, of this view. */
  const without =
    (name: string, missing: Record<string, string>) =>
    ({ view, days }: Computation) => {
      const [day, type] = Object.entries(missing).find(([one]) => days.includes(one)) ?? [];
      if (view.name !== name || type === undefined)
        return {
          partitions: days.map((one) => ({ day: one, key: one, rows: 1, computed: true, checks: 1 })),
          absent: [],
          notes: [],
        };
      throw ApplicationFailure.nonRetryable(`raw/usage/dt=${day}/: found none`, type);
    };
  const lenient = { ...customerUsage, whenLate: 'use-previous' as const };

  it('goes on with the newest day there is where a view says so, and tells the team', async () => {
    const { views } = await start(
      { date: '2026-03-01' },
      {
        viewsToLoad: () => [lenient, customerAccount],
        computeFeatures: without(lenient.name, { '2026-03-01': 'MissingObject' }),
      },
    );
    expect(views.map(({ view, missing, watermark }) => [view, missing, watermark])).toEqual([
      ['customer_usage', ['2026-03-01'], '2026-02-28'],
      ['customer_account', [], '2026-03-01'],
    ]);
    expect(argumentsOf('notifyLate')).toEqual([
      expect.objectContaining({ view: 'customer_usage', missing: ['2026-03-01'], using: '2026-02-28' }),
    ]);
    expect(names(calls)).not.toContain('notifyParked');
  });

  it('passes over a hole in a range alone, and loads up to its end', async () => {
    const { views } = await start(
      { from: '2026-03-01', date: '2026-03-09' },
      {
        viewsToLoad: () => [lenient],
        computeFeatures: without(lenient.name, { '2026-03-03': 'MissingObject' }),
      },
    );
    expect(views).toEqual([expect.objectContaining({ missing: ['2026-03-03'], watermark: '2026-03-09' })]);
  });

  it('holds nothing up for what the look-back lacks, and tells the team', async () => {
    const { views } = await start(
      { date: '2026-03-01' },
      {
        viewsToLoad: () => [customerUsage],
        computeFeatures: without(customerUsage.name, { '2026-02-27': 'MissingObject' }),
      },
    );
    expect(views).toEqual([expect.objectContaining({ missing: [], watermark: '2026-03-01' })]);
    expect(argumentsOf('notifyLate')).toEqual([
      expect.objectContaining({ missing: [], trouble: [expect.stringContaining('dt=2026-02-27')] }),
    ]);
  });

  /** Runs until somebody is asked, and sends that answer. */
  const resolved = (
    activities: Parameters<typeof mockActivities>[1],
    action: 'retry' | 'skip',
  ): Promise<MaterializeResult> => {
    let asked = false;
    const replaced = { ...activities, notifyParked: () => void (asked = true) };
    return withWorkers(environment, mockActivities(calls, replaced), async () => {
      const handle = await environment.client.workflow.start('materializeFeatures', {
        workflowId: `materialize-features/${uniqueLabel()}`,
        taskQueue: TaskQueue.pipelines,
        args: [{ date: '2026-03-01' }],
      });
      await until('the run to park', () => asked);
      await handle.executeUpdate('resolveFailure', { args: [{ action, by: 'ana', note: 'looked at it' }] });
      return (await handle.result()) as MaterializeResult;
    });
  };

  it('loads all other views before it asks for help with one, and goes on when told to', async () => {
    let attempts = 0;
    const { views } = await resolved(
      {
        viewsToLoad: () => [customerUsage, customerAccount],
        computeFeatures: (computation: Computation) => {
          const delivered = calls.some(([name]) => name === 'notifyParked');
          if (computation.view.name === customerUsage.name && computation.scope === 'changed') attempts += 1;
          return without(delivered ? '' : customerUsage.name, { '2026-03-01': 'MissingObject' })(computation);
        },
      },
      'retry',
    );
    expect(views.map(({ view, watermark }) => [view, watermark])).toEqual([
      ['customer_account', '2026-03-01'],
      ['customer_usage', '2026-03-01'],
    ]);
    expect(attempts).toBe(3);
    const order = names(calls);
    expect(order.indexOf('materializeView')).toBeLessThan(order.indexOf('notifyParked'));
  });

  it('lets a breach of any day win over days that are only late', async () => {
    const { views, skipped } = await resolved(
      {
        viewsToLoad: () => [lenient, customerAccount],
        computeFeatures: ({ view, days, scope }: Computation) => {
          if (view.name !== lenient.name || scope === 'late')
            return { partitions: [], absent: days, notes: [] };
          throw ApplicationFailure.nonRetryable('12 of 50 rows have no plan', 'DataQualityBreach');
        },
      },
      'skip',
    );
    expect(views.map(({ view }) => view)).toEqual(['customer_account']);
    expect(skipped).toEqual(['customer_usage']);
    expect(names(calls)).not.toContain('notifyLate');
  });

  it('has nothing to load where there are no views', async () => {
    expect(await start({ date: '2026-03-01' }, { viewsToLoad: () => [] })).toMatchObject({
      views: [],
      skipped: [],
    });
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
