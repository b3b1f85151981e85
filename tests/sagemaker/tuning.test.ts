import {
  CreateHyperParameterTuningJobCommand,
  DeleteTrainingJobCommand,
  DescribeHyperParameterTuningJobCommand,
  ListHyperParameterTuningJobsCommand,
  ListTagsCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  StopHyperParameterTuningJobCommand,
  type CreateHyperParameterTuningJobRequest,
  type HyperParameterTrainingJobSummary,
  type HyperParameterTuningJobConfig,
} from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(180_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

interface Search {
  config?: Partial<HyperParameterTuningJobConfig>;
  fixed?: Record<string, string>;
  hold?: boolean;
}

const X = { Name: 'x', MinValue: '0', MaxValue: '1' };
const N = { Name: 'n', MinValue: '1', MaxValue: '10' };

function request(name: string, { config, fixed, hold }: Search = {}): CreateHyperParameterTuningJobRequest {
  const training = sagemaker.request(name);
  const { TrainingJobName: _, HyperParameters, Environment, AlgorithmSpecification, ...rest } = training;
  return {
    HyperParameterTuningJobName: name,
    HyperParameterTuningJobConfig: {
      Strategy: 'Random',
      ResourceLimits: { MaxNumberOfTrainingJobs: 4, MaxParallelTrainingJobs: 2 },
      HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'score' },
      ParameterRanges: { ContinuousParameterRanges: [X], IntegerParameterRanges: [N] },
      RandomSeed: 1,
      ...config,
    },
    TrainingJobDefinition: {
      ...rest,
      StoppingCondition: rest.StoppingCondition,
      OutputDataConfig: rest.OutputDataConfig,
      RoleArn: rest.RoleArn,
      AlgorithmSpecification: {
        TrainingImage: AlgorithmSpecification!.TrainingImage,
        TrainingInputMode: 'File',
        MetricDefinitions: [{ Name: 'score', Regex: 'score=([-0-9.e]+)' }],
      },
      StaticHyperParameters: { ...HyperParameters, sagemaker_program: '"search.py"', ...fixed },
      Environment: { ...Environment, ...(hold && { HOLD: '1' }) },
    },
    Tags: [{ Key: 'model', Value: 'churn' }],
  };
}

const create = (name: string, search?: Search) =>
  sagemaker.client.send(new CreateHyperParameterTuningJobCommand(request(name, search)));

const describeTuning = (name: string) =>
  sagemaker.client.send(new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }));

const ended = (name: string) =>
  until(
    `the end of ${name}`,
    async () => {
      const job = await describeTuning(name);
      return !['InProgress', 'Stopping'].includes(job.HyperParameterTuningJobStatus!) && job;
    },
    120_000,
  );

async function children(name: string, query = {}): Promise<HyperParameterTrainingJobSummary[]> {
  const HyperParameterTuningJobName = name;
  const found: HyperParameterTrainingJobSummary[] = [];
  let NextToken: string | undefined;
  do {
    const page = await sagemaker.client.send(
      new ListTrainingJobsForHyperParameterTuningJobCommand({
        HyperParameterTuningJobName,
        ...query,
        NextToken,
      }),
    );
    found.push(...page.TrainingJobSummaries!);
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

const tuned = (job: HyperParameterTrainingJobSummary) => job.TunedHyperParameters!;
const valueOf = (job: HyperParameterTrainingJobSummary) =>
  job.FinalHyperParameterTuningJobObjectiveMetric?.Value;

describe('a tuning job', () => {
  it('trains as many children as it may, and names the best', async () => {
    const { HyperParameterTuningJobArn } = await create('bayesian', {
      config: {
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 9, MaxParallelTrainingJobs: 3 },
      },
    });
    const job = await ended('bayesian');
    expect(job).toMatchObject({
      HyperParameterTuningJobStatus: 'Completed',
      TrainingJobStatusCounters: {
        Completed: 9,
        InProgress: 0,
        RetryableError: 0,
        NonRetryableError: 0,
        Stopped: 0,
      },
      ObjectiveStatusCounters: { Succeeded: 9, Pending: 0, Failed: 0 },
    });
    const all = await children('bayesian', { MaxResults: 4 });
    expect(all).toHaveLength(9);
    expect(all.map((child) => child.TrainingJobName!.slice(0, 13))).toEqual(
      Array.from({ length: 9 }, (_, i) => `bayesian-00${i + 1}-`),
    );
    const best = all.toSorted((a, b) => valueOf(b)! - valueOf(a)!)[0]!;
    expect(job.BestTrainingJob).toMatchObject({
      TrainingJobName: best.TrainingJobName,
      ObjectiveStatus: 'Succeeded',
      FinalHyperParameterTuningJobObjectiveMetric: { MetricName: 'score', Value: valueOf(best) },
    });
    const { x, n } = tuned(best) as { x: string; n: string };
    expect(valueOf(best)).toBeCloseTo(1 - (Number(x) - 0.3) ** 2 - (Number(n) - 5) ** 2 / 100, 10);
    const sorted = await children('bayesian', {
      SortBy: 'FinalObjectiveMetricValue',
      SortOrder: 'Descending',
    });
    expect(sorted[0]!.TrainingJobName).toBe(best.TrainingJobName);

    const child = await sagemaker.describe(best.TrainingJobName!);
    expect(child).toMatchObject({
      TuningJobArn: HyperParameterTuningJobArn,
      HyperParameters: { x, n, _tuning_objective_metric: 'score', sagemaker_program: '"search.py"' },
    });
    const tags = await sagemaker.client.send(new ListTagsCommand({ ResourceArn: child.TrainingJobArn }));
    expect(tags.Tags).toEqual([{ Key: 'model', Value: 'churn' }]);
    expect(sagemaker.eventsOf(HyperParameterTuningJobArn!)).toEqual(['InProgress', 'Completed']);
  });

  it('tries every combination of a grid once', async () => {
    const categorical = [
      { Name: 'kind', Values: ['a', 'b'] },
      { Name: 'x', Values: ['0.1', '0.3'] },
    ];
    await create('grid', {
      config: {
        Strategy: 'Grid',
        ResourceLimits: { MaxParallelTrainingJobs: 3 },
        ParameterRanges: { CategoricalParameterRanges: categorical },
      },
    });
    expect((await ended('grid')).TrainingJobStatusCounters!.Completed).toBe(4);
    const tried = (await children('grid')).map((job) => `${tuned(job)['kind']}${tuned(job)['x']}`);
    expect(tried.toSorted()).toEqual(['a0.1', 'a0.3', 'b0.1', 'b0.3']);
  });

  it('goes on where children fail, and fails where all do', async () => {
    const ranges = (values: string[]) => ({
      Strategy: 'Grid' as const,
      ResourceLimits: { MaxParallelTrainingJobs: 2 },
      ParameterRanges: { CategoricalParameterRanges: [{ Name: 'kind', Values: values }] },
    });
    await create('some-fail', { config: ranges(['good', 'bad']), fixed: { fail: 'bad' } });
    await create('all-fail', { config: ranges(['bad']), fixed: { fail: 'bad' } });
    const some = await ended('some-fail');
    expect(some).toMatchObject({
      HyperParameterTuningJobStatus: 'Completed',
      TrainingJobStatusCounters: { Completed: 1, NonRetryableError: 1 },
      ObjectiveStatusCounters: { Succeeded: 1, Failed: 1 },
      BestTrainingJob: { TunedHyperParameters: { kind: 'good' } },
    });
    const failed = await children('some-fail', { StatusEquals: 'Failed' });
    expect(failed).toMatchObject([
      { ObjectiveStatus: 'Failed', FailureReason: expect.stringMatching(/^AlgorithmError: /) },
    ]);
    expect(await ended('all-fail')).toMatchObject({
      HyperParameterTuningJobStatus: 'Failed',
      FailureReason: expect.stringMatching(/^All training jobs failed/),
    });
  });

  it('is stopped with its children', async () => {
    await create('stopped', { hold: true });
    await until('two children', () => sagemaker.starts('stopped').length === 2);
    const stop = new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: 'stopped' });
    await sagemaker.client.send(stop);
    expect((await describeTuning('stopped')).HyperParameterTuningJobStatus).toMatch(/^Stopp(ing|ed)$/);
    const job = await ended('stopped');
    expect(job).toMatchObject({
      HyperParameterTuningJobStatus: 'Stopped',
      TrainingJobStatusCounters: { Stopped: 2, InProgress: 0 },
    });
    expect(sagemaker.starts('stopped').filter(isAlive)).toEqual([]);
    await expect(sagemaker.client.send(stop)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('stops children early that are worse than the median of those before', async () => {
    await create('early', {
      config: {
        TrainingJobEarlyStoppingType: 'Auto',
        ResourceLimits: { MaxNumberOfTrainingJobs: 5, MaxParallelTrainingJobs: 1 },
        ParameterRanges: { ContinuousParameterRanges: [X] },
      },
      fixed: { epochs: '3', pause: '0.8' },
    });
    const job = await ended('early');
    const scores = (await children('early')).map((child) => 1 - (Number(tuned(child)['x']) - 0.3) ** 2);
    const [first, second, third, ...later] = scores as [number, number, number, ...number[]];
    const median = [first, second, third].toSorted((a, b) => a - b)[1]!;
    // Each child's score grows with its epochs alike, so that the first epoch decides.
    expect(later[0]).toBeLessThan(median);
    expect(job.TrainingJobStatusCounters!.Stopped).toBeGreaterThan(0);
    const stopped = await children('early', { StatusEquals: 'Stopped', SortBy: 'CreationTime' });
    expect(tuned(stopped[0]!)['x']).toBe(tuned((await children('early'))[3]!)['x']);
    expect(stopped[0]).toMatchObject({ ObjectiveStatus: 'Succeeded' });
  });

  it('gives its epochs to the best by Hyperband', async () => {
    await create('hyperband', {
      config: {
        Strategy: 'Hyperband',
        ResourceLimits: { MaxNumberOfTrainingJobs: 8, MaxParallelTrainingJobs: 3 },
      },
      fixed: { epochs: '4', pause: '0.6' },
    });
    const job = await ended('hyperband');
    const { Completed, Stopped } = job.TrainingJobStatusCounters!;
    expect(Completed! + Stopped!).toBe(8);
    expect(Stopped).toBeGreaterThan(0);
    expect(job.BestTrainingJob!.TrainingJobStatus).toBe('Completed');
  });

  it('ends once its target is reached', async () => {
    await create('target', {
      config: { TuningJobCompletionCriteria: { TargetObjectiveMetricValue: -10 } },
    });
    const job = await ended('target');
    expect(job.HyperParameterTuningJobStatus).toBe('Completed');
    expect((await children('target')).length).toBeLessThan(4);
  });

  it('learns from its parents', async () => {
    const WarmStartConfig = {
      ParentHyperParameterTuningJobs: [{ HyperParameterTuningJobName: 'bayesian' }],
      WarmStartType: 'IdenticalDataAndAlgorithm' as const,
    };
    const job = request('warm', {
      config: {
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 1, MaxParallelTrainingJobs: 1 },
      },
    });
    await sagemaker.client.send(new CreateHyperParameterTuningJobCommand({ ...job, WarmStartConfig }));
    const { OverallBestTrainingJob, BestTrainingJob } = await ended('warm');
    const parents = await describeTuning('bayesian');
    const better = [BestTrainingJob!, parents.BestTrainingJob!].toSorted(
      (a, b) => valueOf(b)! - valueOf(a)!,
    )[0]!;
    expect(OverallBestTrainingJob!.TrainingJobName).toBe(better.TrainingJobName);
  });
});

describe('a kill of the service', () => {
  it('leaves no child behind, and none begins twice', async () => {
    await create('killed', {
      config: { ResourceLimits: { MaxNumberOfTrainingJobs: 5, MaxParallelTrainingJobs: 2 } },
      hold: true,
    });
    await until('two children', () => sagemaker.starts('killed').length === 2);
    const alive = sagemaker.starts('killed');
    await sagemaker.stopService('SIGKILL');
    expect(alive.every(isAlive)).toBe(true);
    await sagemaker.startService();
    expect((await describeTuning('killed')).TrainingJobStatusCounters!.InProgress).toBe(2);
    sagemaker.release('killed');
    for (const moment of [200, 500, 900]) {
      await new Promise((resolve) => setTimeout(resolve, moment));
      await sagemaker.stopService('SIGKILL');
      await sagemaker.startService();
    }
    expect(await ended('killed')).toMatchObject({
      HyperParameterTuningJobStatus: 'Completed',
      TrainingJobStatusCounters: { Completed: 5 },
    });
    expect(sagemaker.starts('killed')).toHaveLength(5);
    expect(await children('killed')).toHaveLength(5);
  });

  it('while it stops a job stops all the same', async () => {
    await create('stopping', { hold: true });
    await until('two children', () => sagemaker.starts('stopping').length === 2);
    await sagemaker.client.send(
      new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: 'stopping' }),
    );
    await sagemaker.stopService('SIGKILL');
    await sagemaker.startService();
    expect((await ended('stopping')).HyperParameterTuningJobStatus).toBe('Stopped');
    await until('the end of its programs', () => !sagemaker.starts('stopping').some(isAlive));
  });
});

describe('requests', () => {
  const config = (name: string, change: Partial<HyperParameterTuningJobConfig>) =>
    create(name, { config: change });
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
    await expect(create('x'.repeat(33))).rejects.toThrow('length less than or equal to 32');
    await expect(create('bayesian')).rejects.toMatchObject({ name: 'ResourceInUse' });
    await expect(describeTuning('unheard-of')).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });

  it('list tuning jobs by name', async () => {
    const page = await sagemaker.client.send(
      new ListHyperParameterTuningJobsCommand({ NameContains: 'ban', StatusEquals: 'Completed' }),
    );
    expect(page.HyperParameterTuningJobSummaries).toMatchObject([
      { HyperParameterTuningJobName: 'hyperband', Strategy: 'Hyperband' },
    ]);
  });

  it('keep the children of a search that goes on', async () => {
    await create('kept', {
      hold: true,
      config: { ResourceLimits: { MaxNumberOfTrainingJobs: 1, MaxParallelTrainingJobs: 1 } },
    });
    await until('the child', () => sagemaker.starts('kept').length === 1);
    const [child] = await children('kept');
    const remove = new DeleteTrainingJobCommand({ TrainingJobName: child!.TrainingJobName });
    await expect(sagemaker.client.send(remove)).rejects.toMatchObject({ name: 'ResourceInUse' });
    sagemaker.release('kept');
    await ended('kept');
  });
});
