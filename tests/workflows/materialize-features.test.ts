import type { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TaskQueue } from '../../contracts/task-queues';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, type Calls } from './activities';

jest.setTimeout(60_000);

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

  const materialize = (input: object): Promise<MaterializeResult> =>
    withWorkers(environment, mockActivities(calls), () =>
      environment.client.workflow.execute('materializeFeatures', {
        workflowId: `materialize-features/${uniqueLabel()}`,
        taskQueue: TaskQueue.pipelines,
        args: [input],
      }),
    ) as Promise<MaterializeResult>;
  const arguments_ = (activity: string): unknown[] =>
    calls.filter(([name]) => name === activity).map(([, argument]) => argument);

  it('computes every day of a range and loads the newest', async () => {
    await materialize({ from: '2026-02-27', date: '2026-03-01', models: ['churn'] });
    for (const argument of arguments_('computeFeatures'))
      expect(argument).toMatchObject({ days: ['2026-02-27', '2026-02-28', '2026-03-01'] });
    for (const argument of arguments_('materializeView'))
      expect(argument).toMatchObject({ asOf: '2026-03-01' });
  });

  it('computes days again only where it is asked to', async () => {
    await materialize({ date: '2026-03-01' });
    for (const argument of arguments_('computeFeatures'))
      expect(argument).toMatchObject({ recompute: false });
    calls = [];
    await materialize({ date: '2026-03-01', recompute: true });
    expect(arguments_('computeFeatures').length).toBeGreaterThan(0);
    for (const argument of arguments_('computeFeatures')) expect(argument).toMatchObject({ recompute: true });
  });

  it('takes the last complete day where none is named', async () => {
    const { date } = await materialize({});
    expect(date).toBe(lastCompleteDay(new Date()));
    for (const argument of arguments_('computeFeatures')) expect(argument).toMatchObject({ days: [date] });
  });

  it.each([
    ['a day that no calendar has', { date: '2026-02-31' }, 'date'],
    ['a first day that none has', { from: '2026-02-30', date: '2026-03-01' }, 'from'],
    ['a first day after the last', { from: '2026-03-02', date: '2026-03-01' }, 'from'],
    ['a moment', { date: '2026-03-01T04:00:00Z' }, 'date'],
  ])('refuses %s at once, naming the field', async (_what, input, field) => {
    const failure = await materialize(input).then(
      () => undefined,
      (error: WorkflowFailedError) => error.cause as ApplicationFailure,
    );
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure!.details![0]).toMatchObject([{ field, expected: expect.stringContaining('a date') }]);
    expect(names(calls)).toEqual([]);
  });
});
