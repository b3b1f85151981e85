import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { create } from 'tar';
import { createSagemakerActivities } from '../../activities/sagemaker';
import { listTrials } from '../../activities/sagemaker/tuning/trials';
import type { TuningOutcome, TuningSpecification } from '../../contracts/tuning';
import { MeridianError } from '../../contracts/errors';
import type { TestSagemaker } from '../sagemaker/environment';

const CODE = 'code/objective.tar.gz';

export const activityEnvironment = () =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

/** Searches of the program `objective.py`. */
export class Searches {
  readonly activities: ReturnType<typeof createSagemakerActivities>;

  constructor(private readonly sagemaker: TestSagemaker) {
    const { client, config, store } = sagemaker;
    this.activities = createSagemakerActivities({ sagemaker: client, config, store });
  }

  async layDown(): Promise<void> {
    const archive = join(this.sagemaker.folder, 'objective.tar.gz');
    await create({ file: archive, cwd: __dirname, gzip: true }, ['objective.py']);
    await this.sagemaker.store.upload(archive, CODE);
  }

  specification(
    search: Partial<TuningSpecification['search']> = {},
    hyperparameters: TuningSpecification['training']['hyperparameters'] = {},
  ): TuningSpecification {
    return {
      training: {
        model: 'churn',
        image: 'xgboost',
        instanceType: 'ml.m5.large',
        instanceCount: 1,
        volumeGb: 10,
        maxRuntimeSeconds: 600,
        program: 'objective.py',
        codeKey: CODE,
        codeHash: 'hash',
        hyperparameters,
        metrics: [{ name: 'score', regex: 'score=([-0-9.e]+)' }],
        channels: { train: 'data/train/' },
      },
      search: {
        strategy: 'Random',
        objective: { metric: 'score', goal: 'maximize' },
        ranges: { x: { type: 'continuous', min: 0, max: 1 }, n: { type: 'integer', min: 1, max: 10 } },
        earlyStopping: false,
        epochs: null,
        maxJobs: 4,
        maxParallelJobs: 2,
        maxRuntimeSeconds: null,
        seed: 1,
        ...search,
      },
    };
  }

  start(jobName: string, specification: TuningSpecification) {
    return this.activities.startTuningJob({ jobName, specification });
  }

  await(jobName: string, environment = activityEnvironment()): Promise<TuningOutcome> {
    return environment.run<[{ jobName: string }], TuningOutcome, typeof this.activities.awaitTuningJob>(
      this.activities.awaitTuningJob,
      { jobName },
    );
  }

  stop(jobName: string): Promise<void> {
    return activityEnvironment().run<[{ jobName: string }], void, typeof this.activities.stopTuningJob>(
      this.activities.stopTuningJob,
      { jobName },
    );
  }

  trials(jobName: string) {
    return listTrials(this.sagemaker.client, jobName);
  }

  /** The path of a file that lets waiting trials go on. */
  releaseFile(name: string): string {
    return join(this.sagemaker.folder, `${name}.released`);
  }
}

export async function failureOf(promise: Promise<unknown>): Promise<MeridianError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MeridianError);
  return error as MeridianError;
}
