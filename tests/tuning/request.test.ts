import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createTuningRequest } from '../../activities/sagemaker/tuning/request';
import { tuningJobName } from '../../contracts/job-name';
import { searchOf, type Search, type TuningSpecification } from '../../contracts/tuning';
import { churn } from '../../models/churn/model';
import { loadConfig } from '../../platform/config';
import { findTestTools } from '../support/tools';

jest.setTimeout(60_000);

const config = loadConfig({
  TEMPORAL_ADDRESS: 'none',
  REDIS_URL: 'none',
  MLFLOW_TRACKING_URI: 'none',
}).sagemaker;
const store = { uri: (key: string) => `s3://meridian-ml-data/${key}` };

function specificationOf(search: Search): TuningSpecification {
  const { hyperparameters, tuning: _, ...rest } = churn.training;
  const fixed = Object.entries(hyperparameters).filter(([name]) => !(name in search.ranges));
  return {
    training: {
      ...rest,
      model: churn.name,
      codeKey: 'code/abc.tar.gz',
      codeHash: 'abc',
      hyperparameters: Object.fromEntries(fixed),
      channels: { train: 'datasets/churn/abc/train/' },
    },
    search,
  };
}

function requestOf(search: Search) {
  const specification = specificationOf(search);
  const jobName = tuningJobName({
    model: churn.name,
    label: '2026-11-21',
    runKey: 'retrain/churn/2026-11-21/run',
    step: 'train',
    specification,
    generation: 1,
    attempt: 1,
  });
  return createTuningRequest({ jobName, specification }, config, store);
}

describe('the request for a tuning job', () => {
  let python: string;
  beforeAll(async () => {
    python = join((await findTestTools()).peers, 'bin', 'python');
  });

  /** What botocore's model of SageMaker has against it. */
  const problems = (request: object): string[] =>
    JSON.parse(
      execFileSync(python, [join(__dirname, 'check_request.py')], {
        input: JSON.stringify({ operation: 'CreateHyperParameterTuningJob', request }),
        encoding: 'utf8',
      }),
    ) as string[];

  const declared = searchOf(churn);

  it('of churn fits SageMaker’s model', () => {
    const request = requestOf(declared);
    expect(problems(request)).toEqual([]);
    expect(request.HyperParameterTuningJobName).toMatch(/^churn-2026-11-21-[0-9a-f]{10}-g1a1$/);
    expect(request.HyperParameterTuningJobConfig!.ResourceLimits).toEqual({
      MaxNumberOfTrainingJobs: 20,
      MaxParallelTrainingJobs: 4,
    });
    const { AlgorithmSpecification, StaticHyperParameters } = request.TrainingJobDefinition!;
    expect(Object.keys(AlgorithmSpecification!).sort()).toEqual([
      'MetricDefinitions',
      'TrainingImage',
      'TrainingInputMode',
    ]);
    for (const name of Object.keys(declared.ranges)) expect(StaticHyperParameters).not.toHaveProperty(name);
    expect(StaticHyperParameters).toMatchObject({ num_round: '800', sagemaker_program: expect.any(String) });
  });

  it('of every strategy and scale fits it too', () => {
    const hyperband: Search = {
      ...declared,
      strategy: 'Hyperband',
      earlyStopping: false,
      epochs: { min: 1, max: 27 },
    };
    const grid: Search = {
      ...declared,
      strategy: 'Grid',
      ranges: { booster: { type: 'categorical', values: ['gbtree', 3, true] } },
      maxJobs: 3,
      maxRuntimeSeconds: 3600,
    };
    const scales = (['auto', 'linear', 'logarithmic', 'reverse-logarithmic'] as const).map((scale, index) => [
      `p${index}`,
      { type: 'continuous' as const, min: 0.001, max: 0.5, scale },
    ]);
    const random: Search = {
      ...declared,
      strategy: 'Random',
      ranges: Object.fromEntries(scales),
      seed: null,
    };
    for (const search of [hyperband, grid, random]) expect(problems(requestOf(search))).toEqual([]);
    const { HyperParameterTuningJobConfig: config } = requestOf(grid);
    expect(config!.ResourceLimits).toEqual({ MaxParallelTrainingJobs: 4, MaxRuntimeInSeconds: 3600 });
    // As the training toolkit reads hyperparameters: text in quotes, numbers and booleans bare.
    expect(config!.ParameterRanges!.CategoricalParameterRanges).toEqual([
      { Name: 'booster', Values: ['"gbtree"', '3', 'true'] },
    ]);
  });

  it('is held against rules that bite', () => {
    const good = requestOf(declared);
    const { TrainingJobDefinition: definition } = good;
    const withEntrypoint = {
      ...definition,
      AlgorithmSpecification: { ...definition!.AlgorithmSpecification, ContainerEntrypoint: ['python3'] },
    };
    expect(problems({ ...good, TrainingJobDefinition: withEntrypoint })).not.toEqual([]);
    expect(problems({ ...good, HyperParameterTuningJobName: 'a'.repeat(33) })).not.toEqual([]);
    expect(problems({ ...good, HyperParameterTuningJobName: 'under_score' })).not.toEqual([]);
  });
});
