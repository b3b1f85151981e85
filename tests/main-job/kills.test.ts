import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScoringClient } from '../../client/scoring';
import { Key, WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import type { TrainingJobHandle } from '../../contracts/training';
import { anEntity, type Entity } from '../../local/main-job/predictions';
import type { ProcessRecord } from '../../local/stack/process-record';
import { beginOf } from '../../platform/process-begin';
import { churn } from '../../models/churn/model';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { storedCaptures } from '../scoring/captures';
import { until } from '../support/servers';
import { startPlatform, type Platform } from './platform';
import { expectOneProduction, expectVersionsGivenOnce, servedBy, trainingJobs } from './record';
import { activitiesOf, inStep, released, resultOf, startRetraining, type Released } from './runs';

jest.setTimeout(300_000);

describe('a retraining, and kill -9 in the middle of it', () => {
  let platform: Platform;
  let entity: Entity;
  let releases = 0;

  beforeAll(async () => {
    platform = await startPlatform();
    const { client, day, store } = platform;
    const load = await client.workflow.start('materializeFeatures', {
      workflowId: WorkflowId.materializeFeatures(day),
      taskQueue: TaskQueue.pipelines,
      args: [{ date: day }],
    });
    await resultOf<MaterializeResult>(platform, load.workflowId);
    entity = await anEntity(store, churn, day);
  });

  afterAll(() => platform?.close());

  /** Kills a part and everything it started in its group, and makes sure that it is gone. */
  const kill = async (part: string): Promise<void> => {
    const { pid } = (await platform.stack.status()).find(({ name }) => name === part)!;
    expect(await platform.stack.kill(part, 'SIGKILL')).toBe(true);
    await until(`${part} to be gone`, () => beginOf(pid!) === null);
  };

  const killAndStart = async (part: string): Promise<void> => {
    await kill(part);
    await platform.stack.up([part]);
  };

  /** One training, one version given away, one Production: whatever was killed. */
  const expectDoneOnce = async (label: string, workflowId: string): Promise<Released> => {
    const result = await released(platform, workflowId);
    expect(await trainingJobs(platform, `churn-${label}-`)).toEqual([`${result.jobName} Completed`]);
    releases += 1;
    expect(result).toMatchObject({ version: `churn-v1.${releases - 1}.0`, generation: releases });
    await expectOneProduction(platform, 'churn', result);
    await expectVersionsGivenOnce(platform, 'churn');
    return result;
  };

  const training = (workflowId: string): Promise<void> => inStep(platform, workflowId, 'train');

  /** Kills a part in the very moment in which the label's job is created. */
  const killAsJobAppears = async (part: string, label: string): Promise<void> => {
    const { home } = platform.stack;
    const record = await readFile(join(home, 'run', `${part}.json`), 'utf8');
    const { pid } = JSON.parse(record) as ProcessRecord;
    const jobs = join(home, 'sagemaker', 'jobs');
    for (const deadline = Date.now() + 120_000; ; Atomics.wait(PAUSE, 0, 0, 1)) {
      if (readdirSync(jobs).some((name) => name.startsWith(`churn-${label}-`))) break;
      if (Date.now() > deadline) throw new Error(`Waited in vain for a job churn-${label}-… in ${jobs}.`);
    }
    process.kill(-pid, 'SIGKILL');
    await until(`${part} to be gone`, () => beginOf(pid) === null);
  };

  it('trains once where the pipelines worker dies between the creation of the job and its record', async () => {
    for (let time = 1; time <= TIMES; time += 1) {
      const label = `pipelines${time}`;
      const workflowId = await startRetraining(platform, label);
      await killAsJobAppears('pipelines', label);
      await platform.stack.up(['pipelines']);
      await expectDoneOnce(label, workflowId);
      const { startTrainingJob } = await activitiesOf(platform, workflowId);
      expect(startTrainingJob!.scheduled).toBe(1);
      // On a busy machine the worker may have been quicker than the kill: then it must be done again.
      const [answer] = await startedJobs(platform, workflowId);
      if (answer!.adopted) return;
    }
    throw new Error(`The worker was quicker than the kill ${TIMES} times.`);
  });

  it('goes on where the pipelines worker dies while the job trains', async () => {
    const workflowId = await startRetraining(platform, 'waiting');
    await training(workflowId);
    await until('the job to be waited for', async () => {
      const { awaitTrainingJob } = await activitiesOf(platform, workflowId);
      return awaitTrainingJob !== undefined;
    });
    await killAndStart('pipelines');
    await expectDoneOnce('waiting', workflowId);
  });

  it('goes on where the data worker dies in the middle of a snapshot and of an evaluation', async () => {
    const workflowId = await startRetraining(platform, 'data');
    await inStep(platform, workflowId, 'snapshot');
    await killAndStart('data');
    await inStep(platform, workflowId, 'evaluate');
    await killAndStart('data');
    await expectDoneOnce('data', workflowId);
  });

  it('goes on where the Temporal server dies while the job trains', async () => {
    const workflowId = await startRetraining(platform, 'temporal');
    await training(workflowId);
    await killAndStart('temporal');
    await expectDoneOnce('temporal', workflowId);
  });

  it('goes on where the local SageMaker dies while the job trains', async () => {
    const workflowId = await startRetraining(platform, 'sagemaker');
    await killAsJobAppears('sagemaker', 'sagemaker');
    await platform.stack.up(['sagemaker']);
    await expectDoneOnce('sagemaker', workflowId);
  });

  it('releases once where the inference worker dies as the generation is written', async () => {
    const workflowId = await startRetraining(platform, 'inference');
    const generation = Key.generation('churn', releases + 1);
    await inStep(platform, workflowId, 'evaluate');
    await until(generation, () => existsSync(platform.path(generation)));
    await killAndStart('inference');
    const { version } = await expectDoneOnce('inference', workflowId);
    const scoring = createScoringClient({ client: platform.client });
    expect(await scoring.predict('churn', { entity })).toMatchObject({ model_version: version });
  });

  it('goes on where the gateway dies, and loses no captured prediction', async () => {
    const { client, store } = platform;
    const scoring = createScoringClient({ client });
    const workflowId = await startRetraining(platform, 'gateway');
    await training(workflowId);
    const requestIds = Array.from({ length: 20 }, (_, i) => `gateway-${i}`);
    await Promise.all(requestIds.map((requestId) => scoring.predict('churn', { entity }, { requestId })));
    await kill('gateway');
    await expectDoneOnce('gateway', workflowId);
    await platform.stack.up(['gateway']);
    // Asked to end, it stores what waits.
    await platform.stack.restart('gateway');
    await until('the captured predictions to lie in S3', async () => {
      const stored = await storedCaptures(store, 'churn');
      const ours = stored.map((row) => row['request_id'] as string).filter((id) => requestIds.includes(id));
      expect(new Set(ours).size).toBe(ours.length);
      return ours.length === requestIds.length;
    });
  });

  it('has left a generation for every release, each with the one before it', async () => {
    expect((await servedBy(platform, 'churn')).n).toBe(releases);
    for (let n = 1; n <= releases; n += 1) {
      const generation = await platform.store.getJson<{ previous: number | null }>(
        Key.generation('churn', n),
      );
      expect(generation.previous).toBe(n === 1 ? null : n - 1);
    }
  });
});

/** How often the moment may be missed. */
const TIMES = 4;

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** What each `startTrainingJob` of a run has answered. */
async function startedJobs({ client }: Platform, workflowId: string): Promise<TrainingJobHandle[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = new Set(
    events?.flatMap(({ eventId, activityTaskScheduledEventAttributes: a }) =>
      a?.activityType?.name === 'startTrainingJob' ? [String(eventId)] : [],
    ),
  );
  return (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: done }) =>
    done && scheduled.has(String(done.scheduledEventId))
      ? [JSON.parse(Buffer.from(done.result!.payloads![0]!.data!).toString('utf8')) as TrainingJobHandle]
      : [],
  );
}
