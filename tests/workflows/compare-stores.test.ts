import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TaskQueue } from '../../contracts/task-queues';
import type { CompareStoresResult } from '../../workflows/compare-stores';
import { replayAll, startTemporal, uniqueLabel, withWorkers } from '../support/workflow-environment';
import { mockActivities, type Calls } from './activities';

jest.setTimeout(60_000);

describe('compareStores', () => {
  let environment: TestWorkflowEnvironment;

  beforeAll(async () => {
    environment = await startTemporal();
  });
  afterAll(async () => {
    await replayAll(environment.client);
    await environment.teardown();
  });

  it('reports every view, and tells of the worst', async () => {
    const calls: Calls = [];
    const activities = mockActivities(calls, {
      compareStores: ({ view, seed }: { view: { name: string }; seed: string }) => ({
        view: view.name,
        watermark: '2026-11-20',
        compared: 100,
        equal: view.name === 'customer_usage' ? 90 : 100,
        pushed: 0,
        score: view.name === 'customer_usage' ? 0.9 : 1,
        examples: [seed],
      }),
    });
    const workflowId = `compare-stores/${uniqueLabel()}`;
    const result = (await withWorkers(environment, activities, () =>
      environment.client.workflow.execute('compareStores', {
        workflowId,
        taskQueue: TaskQueue.pipelines,
        args: [{ sample: 100, minScore: 0.95 }],
      }),
    )) as CompareStoresResult;
    expect(result.score).toBe(0.9);
    expect(result.views.map(({ examples }) => examples)).toEqual(result.views.map(() => [workflowId]));
    const reported = calls.find(([name]) => name === 'reportConsistency')![1];
    expect(reported).toEqual({ comparisons: result.views, minScore: 0.95, workflowId });
  });
});
