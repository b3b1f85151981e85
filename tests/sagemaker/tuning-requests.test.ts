import { type HyperParameterTuningJobConfig } from '@aws-sdk/client-sagemaker';
import { TestSagemaker } from './environment';
import { N, TestTuning, X } from './tuning';

jest.setTimeout(180_000);

let sagemaker: TestSagemaker;
let tuning: TestTuning;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  tuning = new TestTuning(sagemaker);
});
afterAll(async () => sagemaker.stop());

describe('requests', () => {
  const config = (name: string, change: Partial<HyperParameterTuningJobConfig>) =>
    tuning.create(name, { config: change });
  const continuous = (range: object) => ({ ContinuousParameterRanges: [{ ...X, ...range }] });

  it.each<[string, Partial<HyperParameterTuningJobConfig>, string]>([
    [
      'an objective without a metric',
      { HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'auc' } },
      'A metric is required for this hyperparameter tuning job objective.',
    ],
    ['text for a number', { ParameterRanges: continuous({ MinValue: 'a' }) }, 'a is not a number'],
    [
      'bounds the wrong way round',
      { ParameterRanges: continuous({ MinValue: '2' }) },
      'must not exceed its MaxValue',
    ],
    ['a logarithm of 0', { ParameterRanges: continuous({ ScalingType: 'Logarithmic' }) }, 'greater than 0'],
    [
      'a reverse logarithm of 1',
      { ParameterRanges: continuous({ ScalingType: 'ReverseLogarithmic' }) },
      '0 <= x < 1',
    ],
    ['no ranges', { ParameterRanges: {} }, 'At least one hyperparameter range'],
    ['a grid of numbers', { Strategy: 'Grid' }, 'only categorical'],
    [
      'Hyperband with early stopping',
      { Strategy: 'Hyperband', TrainingJobEarlyStoppingType: 'Auto' },
      'must be Off',
    ],
    ['Hyperband of unknown length', { Strategy: 'Hyperband' }, 'MaxResource is required'],
    [
      'more in parallel than in all',
      { ResourceLimits: { MaxNumberOfTrainingJobs: 1, MaxParallelTrainingJobs: 2 } },
      'must be less than or equal to MaxNumberOfTrainingJobs',
    ],
    [
      'too few combinations',
      { ParameterRanges: { IntegerParameterRanges: [{ ...N, MaxValue: '3' }] } },
      "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for the provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, [4].",
    ],
    [
      'a parameter that is static too',
      { ParameterRanges: { CategoricalParameterRanges: [{ Name: 'sagemaker_program', Values: ['a'] }] } },
      'more than once',
    ],
  ])('with %s are refused', async (_, change, message) => {
    await expect(config('refused', change)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(message),
    });
  });

  it('with names that are too long or taken are refused', async () => {
    await expect(tuning.create('x'.repeat(33))).rejects.toThrow('length less than or equal to 32');
    await tuning.create('taken');
    await expect(tuning.create('taken')).rejects.toMatchObject({ name: 'ResourceInUse' });
    await tuning.stop('taken');
    await tuning.ended('taken');
    await expect(tuning.describe('unheard-of')).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });
});
