import { DescribeTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { addDays } from '../../contracts/days';
import { Key, WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import { customerBilling, customerUsage } from '../../features';
import { churn } from '../../models/churn/model';
import { observationDays } from '../../activities/datasets/labels';
import { readJobLog } from '../../platform/sagemaker';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { until } from '../support/servers';
import { startPlatform, type Platform } from './platform';
import { expectOneProduction, trainingJobs } from './record';
import {
  activitiesOf,
  detailsOf,
  inStep,
  parked,
  released,
  resultOf,
  retriedAfter,
  startRetraining,
} from './runs';

jest.setTimeout(300_000);

const GARBAGE = Buffer.from('PAR1 this is no Parquet file PAR1');

describe('when something is wrong', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatform();
  });

  /** Whatever a test leaves spoilt or stopped where it fails must not fail the next one. */
  const mends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await platform.stack.up();
    await Promise.all(mends.splice(0).map((mend) => mend()));
  });

  afterAll(() => platform?.close());

  const startMaterializing = async (date: string): Promise<string> => {
    const workflowId = WorkflowId.materializeFeatures(date);
    const options = { workflowId, taskQueue: TaskQueue.pipelines, args: [{ date }] };
    await platform.client.workflow.start('materializeFeatures', options);
    return workflowId;
  };

  /** As an on-call engineer does it, with nothing of ours installed. */
  const resolveFromCli = async (workflowId: string, resolution: object): Promise<void> => {
    const told = await platform.temporal('workflow update execute', {
      name: 'resolveFailure',
      'workflow-id': workflowId,
      input: JSON.stringify(resolution),
    });
    expect({ ...told, stdout: '' }).toEqual({ status: 0, stdout: '', stderr: '' });
  };

  const messagesAbout = async (workflowId: string): Promise<string[]> => {
    const sinks = (await platform.stack.status()).find(({ name }) => name === 'sinks')!;
    const answer = await fetch(`http://127.0.0.1:${sinks.ports.sinks}/messages`);
    const { messages } = (await answer.json()) as { messages: unknown[] };
    return messages.map((message) => JSON.stringify(message)).filter((text) => text.includes(workflowId));
  };

  const keysOf = async (prefix: string): Promise<string[]> =>
    (await platform.store.list(prefix)).map(({ key, etag }) => `${key} ${etag}`);

  /** Takes an object away, or puts something else in its place. @returns what mends it */
  const spoil = async (key: string, body: Buffer | null): Promise<() => Promise<unknown>> => {
    const good = await platform.store.get(key);
    await (body ? platform.store.put(key, body) : platform.store.delete(key));
    const mend = () => platform.store.put(key, good);
    mends.push(mend);
    return mend;
  };

  it('names a raw partition that cannot be read, writes nothing, and goes on once it is mended', async () => {
    const day = addDays(platform.day, -1);
    const key = `${Key.rawPartition('usage', day)}part-0.parquet`;
    const mend = await spoil(key, GARBAGE);
    const workflowId = await startMaterializing(day);

    const details = await parked(platform, workflowId);
    expect(details).toContain('CorruptObject');
    expect(details).toContain(key);
    expect(details).toContain('resolveFailure');
    expect(await keysOf(Key.featurePartition(customerUsage, day))).toEqual([]);
    const before = await activitiesOf(platform, workflowId);

    await mend();
    await resolveFromCli(workflowId, { action: 'retry', note: 'delivered again' });
    await resultOf<MaterializeResult>(platform, workflowId);
    const after = await activitiesOf(platform, workflowId);
    // The others their day and their look-back, once. The one in trouble its day, again when all others were loaded; now both.
    expect(before['computeFeatures']!.scheduled).toBe(2 * (churn.views.length - 1) + 2);
    expect(after['computeFeatures']!.scheduled).toBe(before['computeFeatures']!.scheduled + 2);
    expect(after['materializeView']!.scheduled).toBe(churn.views.length);
    expect(after['listModels']).toEqual(before['listModels']);
    expect(await messagesAbout(workflowId)).toHaveLength(1);
  });

  it('refuses a resolution where nothing is parked, and one that makes no sense', async () => {
    const workflowId = await startRetraining(platform, 'nothing-parked');
    const told = await platform.temporal('workflow update execute', {
      name: 'resolveFailure',
      'workflow-id': workflowId,
      input: '{"action": "retry"}',
    });
    expect(told.status).not.toBe(0);
    expect(told.stderr + told.stdout).toContain('nothing is parked here');
    const wrong = await platform.temporal('workflow update execute', {
      name: 'resolveFailure',
      'workflow-id': workflowId,
      input: '{"action": "again"}',
    });
    expect(wrong.status).not.toBe(0);
    expect(wrong.stderr + wrong.stdout).toMatch(/action.*retry.*skip.*abort/s);
    await released(platform, workflowId);
  });

  it('names a raw partition that is missing and a feature partition that cannot be read, each where it is needed', async () => {
    const { store, day } = platform;
    const observed = observationDays(churn.label, day)[1]!;
    const raw = Key.rawPartition('accounts', addDays(observed, 3));
    const feature = `${Key.featurePartition(customerBilling, observed)}part-0.parquet`;
    const mendRaw = await spoil(`${raw}part-0.parquet`, null);
    const mendFeature = await spoil(feature, GARBAGE);
    const [labels, datasets] = [await keysOf('labels/churn/'), await keysOf('datasets/churn/')];
    const workflowId = await startRetraining(platform, 'spoilt');

    const missing = await parked(platform, workflowId);
    expect(missing).toMatch(/Step `label` failed in labelEntities: \*\*MissingObject\*\*/);
    expect(missing).toContain(raw);
    expect(await keysOf('labels/churn/')).toEqual(labels);
    await mendRaw();
    await resolveFromCli(workflowId, { action: 'retry' });
    await until('the run to leave the step', async () =>
      (await detailsOf(platform, workflowId)).includes('✔ **label**'),
    );

    const corrupt = await parked(platform, workflowId);
    expect(corrupt).toMatch(/Step `features` failed in computeFeatures: \*\*CorruptObject\*\*/);
    expect(corrupt).toContain(feature);
    expect(await keysOf('datasets/churn/')).toEqual(datasets);
    await mendFeature();
    await resolveFromCli(workflowId, { action: 'retry' });

    const result = await released(platform, workflowId);
    await expectOneProduction(platform, 'churn', result);
    const activities = await activitiesOf(platform, workflowId);
    const scheduled = Object.fromEntries(
      Object.entries(activities).map(([name, activity]) => [name, activity.scheduled]),
    );
    expect(scheduled).toMatchObject({
      resolveDeclaration: 1,
      labelEntities: 2,
      computeFeatures: 2 * churn.views.length,
      snapshotDataset: 1,
      validateSnapshot: 1,
      startTrainingJob: 1,
      registerVersion: 1,
    });
    // Both steps that parked, and the end.
    expect(await messagesAbout(workflowId)).toHaveLength(3);
    expect(await store.listFolders('datasets/churn/')).toHaveLength(1);
  });

  it('shows what a training program raised, tells of it once, and ends where a person aborts', async () => {
    const versions = await platform.store.listFolders('models/churn/');
    const workflowId = await startRetraining(platform, 'raises', { hyperparameters: { nonsense: 1 } });
    const details = await parked(platform, workflowId);
    expect(details).toContain('TrainingFailed');
    expect(details).toContain('nonsense');
    const messages = await until('the message', async () => {
      const found = await messagesAbout(workflowId);
      return found.length > 0 && found;
    });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain('nonsense');

    const told = await platform.meridian('resolve', workflowId, 'abort', '--note', 'a typing error');
    expect(told).toMatchObject({ status: 0, stdout: `${workflowId}: abort: train\n` });
    const failure = await platform.client.workflow
      .getHandle(workflowId)
      .result()
      .then(
        () => undefined,
        (error: Error) => error.cause as Error & { type: string },
      );
    expect(failure).toMatchObject({ type: 'StepAborted' });
    expect(failure!.message).toMatch(/a typing error.*TrainingFailed.*nonsense/s);
    expect(await platform.store.listFolders('models/churn/')).toEqual(versions);
    const [, ended, ...more] = await messagesAbout(workflowId);
    expect(ended).toMatch(/was aborted.*a typing error/s);
    expect(more).toEqual([]);
  });

  it('waits for MLflow, and then for Redis, and goes on by itself', async () => {
    const { stack } = platform;
    await stack.down(['mlflow']);
    const workflowId = await startRetraining(platform, 'mlflow-and-redis');
    expect(await retriedAfter(platform, workflowId, 'MLflow')).toBe('registerVersion');
    await stack.down(['redis']);
    await stack.up(['mlflow']);
    expect(await retriedAfter(platform, WorkflowId.release('churn'), 'Redis')).toBe('awaitServing');
    await stack.up(['redis']);

    const result = await released(platform, workflowId);
    await expectOneProduction(platform, 'churn', result);
    expect(await trainingJobs(platform, 'churn-mlflow-and-redis-')).toEqual([`${result.jobName} Completed`]);
    expect((await activitiesOf(platform, workflowId))['registerVersion']!.scheduled).toBe(1);
    expect(await messagesAbout(workflowId)).toEqual([expect.stringContaining('is trained')]);
  });

  it('waits for S3 before the training and while the job trains, and goes on by itself', async () => {
    const { stack, env } = platform;
    const workflowId = await startRetraining(platform, 's3');
    await inStep(platform, workflowId, 'label');
    await stack.kill('s3', 'SIGKILL');
    await retriedAfter(platform, workflowId, 'S3');
    await stack.up(['s3']);

    const jobName = await until(
      'the job',
      async () => (await trainingJobs(platform, 'churn-s3-'))[0]?.split(' ')[0],
    );
    const endpoint = env['AWS_ENDPOINT_URL_SAGEMAKER']!;
    await until(`${jobName} to train`, async () =>
      (await readJobLog({ endpoint }, jobName, 5)).some((line) => line.includes('validation-auc')),
    );
    await stack.kill('s3', 'SIGKILL');
    const job = new DescribeTrainingJobCommand({ TrainingJobName: jobName });
    await until(
      `${jobName} to have something to upload`,
      async () => (await platform.sagemaker.send(job)).SecondaryStatus !== 'Training',
    );
    await stack.up(['s3']);

    const result = await released(platform, workflowId);
    await expectOneProduction(platform, 'churn', result);
    expect(await trainingJobs(platform, 'churn-s3-')).toEqual([`${jobName} Completed`]);
    expect(await messagesAbout(workflowId)).toEqual([expect.stringContaining('is trained')]);
  });
});
