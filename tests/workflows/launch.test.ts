import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TaskQueue } from '../../contracts/task-queues';
import { lastCompleteDay, pacificDate } from '../../workflows/shared/pacific-date';
import type { LaunchResult } from '../../workflows/launch';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, type Calls } from './activities';

jest.setTimeout(60_000);

describe('launch', () => {
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

  const launch = (input: object): Promise<LaunchResult> =>
    environment.client.workflow.execute('launch', {
      workflowId: `schedule-${uniqueLabel()}`,
      taskQueue: TaskQueue.pipelines,
      args: [input],
    }) as Promise<LaunchResult>;

  it('starts the real workflow under its exact ID, once a Pacific date, for the day before', async () => {
    const today = pacificDate(new Date());
    await withWorkers(environment, mockActivities(calls), async () => {
      const input = { schedule: 'materialize-features', workflow: 'materializeFeatures' };
      expect(await launch(input)).toEqual({
        workflowId: `materialize-features/${today}`,
        started: true,
        open: [],
      });
      const result = await environment.client.workflow.getHandle(`materialize-features/${today}`).result();
      expect(result).toMatchObject({
        date: lastCompleteDay(new Date()),
        views: expect.arrayContaining([expect.objectContaining({ view: 'customer_usage' })]),
      });
      expect(await launch(input)).toMatchObject({ started: false });
    });
    expect(names(calls)).not.toContain('notifyStillOpen');
  });

  it('tells of an earlier run that is still open, and starts the new one all the same', async () => {
    const mocks = mockActivities(calls, { findOpenRuns: () => ['retrain/churn/2026-10-01'] });
    const result = await withWorkers(environment, mocks, async () => {
      const launched = await launch({ schedule: 'retrain-churn', workflow: 'retrainModel', model: 'churn' });
      await environment.client.workflow.getHandle(launched.workflowId).result();
      await environment.client.workflow.getHandle('roll-out/churn/churn-v1.0.0').result();
      return launched;
    });
    const today = pacificDate(new Date());
    expect(result.workflowId).toBe(`retrain/churn/${today}`);
    expect(calls.find(([name]) => name === 'labelEntities')?.[1]).toMatchObject({
      asOf: lastCompleteDay(new Date()),
    });
    const { jobName } = calls.find(([name]) => name === 'startTrainingJob')![1] as { jobName: string };
    expect(jobName).toMatch(new RegExp(`^churn-${today}-`));
    expect(result).toMatchObject({ started: true, open: ['retrain/churn/2026-10-01'] });
    expect(calls.find(([name]) => name === 'notifyStillOpen')?.[1]).toMatchObject({
      schedule: 'retrain-churn',
    });
  });

  it('names what is missing of its input', async () => {
    await expect(
      withWorkers(environment, mockActivities(calls), () =>
        launch({ schedule: 's', workflow: 'retrainModel' }),
      ),
    ).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringContaining('model: expected a value (required)') },
    });
  });
});
