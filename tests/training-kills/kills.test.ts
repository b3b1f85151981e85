import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { publishDeclaration } from '../../client/declarations';
import type { RetrainModelInput } from '../../contracts/generated/types';
import type { ModelDeclaration } from '../../contracts/model';
import type { PartName } from '../../local/stack/part';
import { churn } from '../../models/churn/model';
import { beginOf } from '../../platform/process-begin';
import type { RetrainResult } from '../../workflows/retrain-model';
import { startPlatform, type Platform } from '../main-job/platform';
import { expectVersionsGivenOnce, registryOf } from '../main-job/record';
import { inStep, resultOf, startRetraining } from '../main-job/runs';
import { until } from '../support/servers';
import { jobProcesses, mostAtATime, trainingLives, trialLives, tuningLives } from './jobs';

jest.setTimeout(300_000);

/** `MERIDIAN_KILL_SEED=…` repeats the moments of a run that failed. */
const SEED = Number(process.env['MERIDIAN_KILL_SEED'] ?? Date.now() % 1_000_000);
const TRIALS = 4;
const PARALLEL = 2;

/** Quick, and with a gate that no version passes, so that a run ends with its version in Staging. */
const declaration: ModelDeclaration = {
  ...churn,
  training: {
    ...churn.training,
    hyperparameters: { ...churn.training.hyperparameters, num_round: 200 },
    tuning: { ...churn.training.tuning!, maxJobs: TRIALS, maxParallelJobs: PARALLEL, earlyStopping: false },
  },
  gate: { absolute: [{ metric: 'auc', min: 1 }] },
};

/** Trials that nobody waits for: a search that could end before the order to stop it would prove nothing. */
const endless: ModelDeclaration = {
  ...declaration,
  training: {
    ...declaration.training,
    hyperparameters: {
      ...declaration.training.hyperparameters,
      num_round: 1_000_000,
      early_stopping_rounds: 1_000_000,
    },
  },
};

/** What a training needs; nothing is served here. */
const PARTS: PartName[] = ['temporal', 's3', 'redis', 'mlflow', 'sagemaker', 'sinks', 'pipelines', 'data'];

interface Kill {
  part: PartName;
  /** Milliseconds before it dies, and before it is started again. */
  after: number;
  away: number;
}

const [moments] = fc.sample(
  fc.record({
    /** From the start of the runs, and from the moment in which they train. */
    early: fc.array(
      fc.record({
        part: fc.constantFrom<PartName>('pipelines', 'data'),
        after: fc.integer({ min: 0, max: 3_000 }),
        away: fc.integer({ min: 0, max: 500 }),
      }),
      { minLength: 1, maxLength: 1 },
    ),
    training: fc.array(
      fc.record({
        part: fc.constantFrom<PartName>('pipelines', 'sagemaker', 'sagemaker', 'data'),
        after: fc.integer({ min: 0, max: 2_500 }),
        away: fc.integer({ min: 0, max: 1_500 }),
      }),
      { minLength: 4, maxLength: 4 },
    ),
    cancelled: fc.record({
      /** Milliseconds between the order to cancel and the death of the worker that carries it out. */
      after: fc.integer({ min: 0, max: 1_000 }),
      part: fc.constantFrom<PartName>('pipelines', 'sagemaker'),
      away: fc.integer({ min: 0, max: 500 }),
    }),
  }),
  { seed: SEED, numRuns: 1 },
) as [{ early: Kill[]; training: Kill[]; cancelled: Kill }];

describe(`retraining, plain and tuned, and kill -9 all the while (MERIDIAN_KILL_SEED=${SEED})`, () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatform(PARTS);
    await publishDeclaration(platform.store, declaration);
  });
  // Replays every history, and fails where a run is open or a process is left.
  afterAll(() => platform?.close());

  const start = (label: string, input: Partial<RetrainModelInput> = {}): Promise<string> =>
    startRetraining(platform, label, input);

  const die = async ({ part, after, away }: Kill): Promise<void> => {
    await sleep(after);
    const { pid } = (await platform.stack.status()).find(({ name }) => name === part)!;
    expect(await platform.stack.kill(part, 'SIGKILL')).toBe(true);
    await until(`${part} to be gone`, () => beginOf(pid!) === null);
    await sleep(away);
    await platform.stack.up([part]);
  };

  const expectNoOrphan = (): Promise<unknown> =>
    until('the processes of the jobs to end', () => jobProcesses(platform.stack.home).length === 0);

  it('trains once a run, and leaves nothing behind', async () => {
    const plain = await start('plain');
    const tuned = await start('tuned', { tune: true });
    for (const kill of moments.early) await die(kill);
    await Promise.all([plain, tuned].map((workflowId) => inStep(platform, workflowId, 'train')));
    for (const kill of moments.training) await die(kill);
    const results = {
      plain: await resultOf<RetrainResult>(platform, plain),
      tuned: await resultOf<RetrainResult>(platform, tuned),
    };

    const { sagemaker } = platform;
    const jobs = await trainingLives(sagemaker, 'churn-plain-');
    expect(mostAtATime(jobs)).toBe(1);
    expect(jobs.filter(({ status }) => status === 'Completed').map(({ name }) => name)).toEqual([
      results.plain.jobName,
    ]);
    const searches = await tuningLives(sagemaker, 'churn-tuned-');
    expect(mostAtATime(searches)).toBe(1);
    expect(searches.filter(({ status }) => status === 'Completed').map(({ name }) => name)).toEqual([
      results.tuned.tuning!.jobName,
    ]);
    const trials = await trialLives(sagemaker, results.tuned.tuning!.jobName);
    expect(trials).toHaveLength(TRIALS);
    expect(mostAtATime(trials)).toBeLessThanOrEqual(PARALLEL);
    expect(trials.map(({ name }) => name)).toContain(results.tuned.jobName);
    expect(await trainingLives(sagemaker, 'churn-tuned-')).toEqual([]);

    expect([results.plain.version, results.tuned.version].sort()).toEqual(['churn-v1.0.0', 'churn-v1.1.0']);
    await expectVersionsGivenOnce(platform, 'churn');
    expect(await trialRuns(results.tuned.version)).toEqual(trials.map(({ name }) => name).sort());
    await expectNoOrphan();
  });

  it('leaves no job where a search is cancelled and the one who stops it dies', async () => {
    await publishDeclaration(platform.store, endless);
    const workflowId = await start('cancelled', { tune: true });
    const isSearching = async () => (await tuningLives(platform.sagemaker, 'churn-cancelled-')).length > 0;
    await inStep(platform, workflowId, 'train');
    await until('the search', isSearching);
    const handle = platform.client.workflow.getHandle(workflowId);
    await handle.cancel();
    await die(moments.cancelled);
    const error = await handle.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    const searches = await tuningLives(platform.sagemaker, 'churn-cancelled-');
    expect(searches.map(({ status }) => status)).toEqual(['Stopped']);
    const trials = await trialLives(platform.sagemaker, searches[0]!.name);
    expect(trials.filter(({ ended }) => ended === Number.POSITIVE_INFINITY)).toEqual([]);
    await expectNoOrphan();
  });

  /** The names of the child runs of a version's run. */
  async function trialRuns(version: string): Promise<string[]> {
    const { versions } = await registryOf(platform, 'churn');
    const parent = versions.find(({ ours }) => ours === version)!.run_id;
    const { run } = await platform.mlflow.get<{ run: { info: { experiment_id: string } } }>('runs/get', {
      run_id: parent,
    });
    const { runs } = await platform.mlflow.post<{ runs?: { info: { run_name: string } }[] }>('runs/search', {
      experiment_ids: [run.info.experiment_id],
      filter: `tags.\`mlflow.parentRunId\` = '${parent}'`,
      max_results: 100,
    });
    return (runs ?? []).map(({ info }) => info.run_name).sort();
  }
});
