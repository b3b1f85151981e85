import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { CancelledFailure } from '@temporalio/client';
import { createSagemakerActivities } from '../../activities/sagemaker';
import { TaskQueue } from '../../contracts/task-queues';
import { churn } from '../../models/churn/model';
import { readJobLog } from '../../platform/sagemaker';
import { until } from '../support/servers';
import { replayAll, startTemporal, withWorkers } from '../support/workflow-environment';
import { mockActivities, type Calls } from '../workflows/activities';
import { TestSagemaker } from './environment';

jest.setTimeout(120_000);

const DECLARATION_HASH = 'd'.repeat(64);

describe('retrainModel, cancelled while its job trains', () => {
  let sagemaker: TestSagemaker;
  let temporal: TestWorkflowEnvironment;

  beforeAll(async () => {
    [sagemaker, temporal] = await Promise.all([TestSagemaker.start(), startTemporal()]);
    for (const split of ['train', 'validation', 'test'])
      await sagemaker.store.put(`datasets/churn/abc/${split}/rows.csv`, 'a');
    await sagemaker.store.put(`declarations/churn/${DECLARATION_HASH}.json`, '{}');
  });
  afterAll(async () => {
    await replayAll(temporal.client);
    await temporal.teardown();
    await sagemaker.stop();
  });

  it('ends only when the job has stopped', async () => {
    const calls: Calls = [];
    const activities = {
      ...mockActivities(calls, {
        resolveDeclaration: () => ({
          hash: DECLARATION_HASH,
          declaration: {
            ...churn,
            training: { ...churn.training, program: 'train.py', hyperparameters: { mode: 'endless' } },
          },
          code: { key: 'code/train.tar.gz', hash: 'c' },
        }),
      }),
      ...createSagemakerActivities({
        sagemaker: sagemaker.client,
        config: sagemaker.config,
        store: sagemaker.store,
      }),
    };
    await withWorkers(temporal, activities, async () => {
      const handle = await temporal.client.workflow.start('retrainModel', {
        workflowId: 'retrain/churn/cancelled',
        taskQueue: TaskQueue.pipelines,
        args: [{ model: 'churn', label: 'cancelled' }],
      });
      const jobName = await until('the training job', async () => jobOf(await handle.fetchHistory()));
      await until(`${jobName} to train`, async () =>
        (await readJobLog({ endpoint: sagemaker.endpoint }, jobName, 5)).includes('epoch 1 auc=0.5'),
      );
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) });
      expect((await sagemaker.describe(jobName)).TrainingJobStatus).toBe('Stopped');
    });
  });
});

interface History {
  events?:
    | {
        activityTaskScheduledEventAttributes?: {
          activityType?: { name?: string | null } | null;
          input?: { payloads?: { data?: Uint8Array | null }[] | null } | null;
        } | null;
      }[]
    | null;
}

/** The job that a run waits for. */
function jobOf({ events }: History): string | undefined {
  const wait = events
    ?.map((event) => event.activityTaskScheduledEventAttributes)
    .find((scheduled) => scheduled?.activityType?.name === 'awaitTrainingJob');
  const data = wait?.input?.payloads?.[0]?.data;
  return data ? (JSON.parse(Buffer.from(data).toString()) as { jobName: string }).jobName : undefined;
}
