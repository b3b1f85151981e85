import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ReleaseDecision } from '../../contracts/decision';
import { churn } from '../../models/churn/model';
import { TaskQueue } from '../../contracts/task-queues';
import {
  replayTimeSkipped,
  startTimeSkippingTemporal,
  uniqueLabel,
  withWorkers,
} from '../support/workflow-environment';
import { mockActivities, names, served, type Calls } from './activities';

const DAY_MS = 86_400_000;
const contest = {
  declaration: churn,
  snapshot: {},
  candidate: served('churn-v1.1.0'),
  champion: served('churn-v1.0.0'),
};

jest.setTimeout(60_000);

describe('rollOutModel', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;

  beforeAll(async () => {
    environment = await startTimeSkippingTemporal();
  });
  afterAll(() => environment.teardown());
  beforeEach(() => {
    calls = [];
  });

  /** Runs one roll-out to its end, replays it, and returns how long it took by the server's clock. */
  async function rollOut(input: object, mocks: ReturnType<typeof mockActivities>): Promise<number> {
    const begun = await environment.currentTimeMs();
    const workflowId = `roll-out/churn/${uniqueLabel()}`;
    await withWorkers(environment, mocks, () =>
      environment.client.workflow.execute('rollOutModel', {
        workflowId,
        taskQueue: TaskQueue.pipelines,
        args: [input],
      }),
    );
    await replayTimeSkipped(environment.client, workflowId);
    return (await environment.currentTimeMs()) - begun;
  }
  const decisions = (): ReleaseDecision[] =>
    calls
      .filter(([name]) => name === 'requestDecision')
      .map(([, argument]) => (argument as { decision: ReleaseDecision }).decision);

  it('releases a first version at once: there is no champion', async () => {
    await rollOut({ model: 'churn', version: 'churn-v1.0.0' }, mockActivities(calls));
    expect(decisions().map(({ kind }) => kind)).toEqual(['promote']);
    expect(names(calls)).not.toContain('countPredictions');
  });

  it('takes a challenger through every declared step, for seven days in all', async () => {
    const took = await rollOut(
      { model: 'churn', version: 'churn-v1.1.0' },
      mockActivities(calls, { describeContest: () => contest }),
    );
    expect(decisions().map((d) => (d.kind === 'route' ? d.weight : d.kind))).toEqual([
      0,
      0.1,
      0.25,
      0.5,
      'promote',
    ]);
    expect(new Set(decisions().map(({ id }) => id)).size).toBe(5);
    expect(took).toBeGreaterThanOrEqual(7 * DAY_MS);
    expect(took).toBeLessThan(8 * DAY_MS);
  });

  it('never promotes without data: it stays in its step until enough was predicted', async () => {
    let looks = 0;
    const mocks = mockActivities(calls, {
      describeContest: () => contest,
      countPredictions: () => ({ predictions: (looks += 1) > 100 ? 50 : 0, failed: 0 }),
    });
    const steps = [{ weight: 0.5, minDurationSeconds: 60, minPredictions: 50 }];
    const took = await rollOut({ model: 'churn', version: 'churn-v1.1.0', steps }, mocks);
    expect(looks).toBe(101);
    expect(took).toBeGreaterThan(8 * 3_600_000);
    expect(decisions().map(({ kind }) => kind)).toEqual(['route', 'promote']);
  });
});
