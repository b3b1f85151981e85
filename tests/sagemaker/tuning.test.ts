import {
  CreateHyperParameterTuningJobCommand,
  ListHyperParameterTuningJobsCommand,
  ListTagsCommand,
} from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';
import { TestTuning, X, tuned, valueOf } from './tuning';

jest.setTimeout(180_000);

let sagemaker: TestSagemaker;
let tuning: TestTuning;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  tuning = new TestTuning(sagemaker);
});
afterAll(async () => sagemaker.stop());

describe('a tuning job', () => {
  it('trains as many children as it may, and names the best', async () => {
    const { HyperParameterTuningJobArn } = await tuning.create('bayesian', {
      config: {
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 9, MaxParallelTrainingJobs: 3 },
      },
    });
    const job = await tuning.ended('bayesian');
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
    const all = await tuning.children('bayesian', { MaxResults: 4 });
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
    const sorted = await tuning.children('bayesian', {
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
    await tuning.create('grid', {
      config: {
        Strategy: 'Grid',
        ResourceLimits: { MaxParallelTrainingJobs: 3 },
        ParameterRanges: { CategoricalParameterRanges: categorical },
      },
    });
    expect((await tuning.ended('grid')).TrainingJobStatusCounters!.Completed).toBe(4);
    const tried = (await tuning.children('grid')).map((job) => `${tuned(job)['kind']}${tuned(job)['x']}`);
    expect(tried.toSorted()).toEqual(['a0.1', 'a0.3', 'b0.1', 'b0.3']);
  });

  it('goes on where children fail, and fails where all do', async () => {
    const ranges = (values: string[]) => ({
      Strategy: 'Grid' as const,
      ResourceLimits: { MaxParallelTrainingJobs: 2 },
      ParameterRanges: { CategoricalParameterRanges: [{ Name: 'kind', Values: values }] },
    });
    await tuning.create('some-fail', { config: ranges(['good', 'bad']), fixed: { fail: 'bad' } });
    await tuning.create('all-fail', { config: ranges(['bad']), fixed: { fail: 'bad' } });
    const some = await tuning.ended('some-fail');
    expect(some).toMatchObject({
      HyperParameterTuningJobStatus: 'Completed',
      TrainingJobStatusCounters: { Completed: 1, NonRetryableError: 1 },
      ObjectiveStatusCounters: { Succeeded: 1, Failed: 1 },
      BestTrainingJob: { TunedHyperParameters: { kind: 'good' } },
    });
    const failed = await tuning.children('some-fail', { StatusEquals: 'Failed' });
    expect(failed).toMatchObject([
      { ObjectiveStatus: 'Failed', FailureReason: expect.stringMatching(/^AlgorithmError: /) },
    ]);
    expect(await tuning.ended('all-fail')).toMatchObject({
      HyperParameterTuningJobStatus: 'Failed',
      FailureReason: expect.stringMatching(/^All training jobs failed/),
    });
  });

  it('takes turns where it has several definitions, and waits where a quota is full', async () => {
    const asked = tuning.request('several');
    const { HyperParameterTuningJobConfig: config, TrainingJobDefinition: training } = asked;
    const { ParameterRanges, HyperParameterTuningJobObjective, ...rest } = config!;
    const definition = (DefinitionName: string) => ({
      ...training!,
      DefinitionName,
      ResourceConfig: { ...training!.ResourceConfig!, InstanceType: 'ml.m5.xlarge' as const },
      TuningObjective: HyperParameterTuningJobObjective,
      HyperParameterRanges: ParameterRanges,
    });
    await sagemaker.local('quotas', { instanceType: 'ml.m5.xlarge', instances: 1 });
    await sagemaker.client.send(
      new CreateHyperParameterTuningJobCommand({
        ...asked,
        HyperParameterTuningJobConfig: rest,
        TrainingJobDefinition: undefined,
        TrainingJobDefinitions: [definition('one'), definition('two')],
      }),
    );
    expect((await tuning.ended('several')).TrainingJobStatusCounters!.Completed).toBe(4);
    const all = await tuning.children('several');
    expect(all.map((child) => child.TrainingJobDefinitionName)).toEqual(['one', 'two', 'one', 'two']);
    const begun = all.map((child) => child.TrainingStartTime!.getTime());
    const over = all.map((child) => child.TrainingEndTime!.getTime());
    expect(begun.slice(1).every((time, i) => time >= over[i]!)).toBe(true);
  });

  it('is stopped with its children', async () => {
    await tuning.create('stopped', { hold: true });
    await until('two children', () => sagemaker.starts('stopped').length === 2);
    await tuning.stop('stopped');
    expect((await tuning.describe('stopped')).HyperParameterTuningJobStatus).toMatch(/^Stopp(ing|ed)$/);
    const job = await tuning.ended('stopped');
    expect(job).toMatchObject({
      HyperParameterTuningJobStatus: 'Stopped',
      TrainingJobStatusCounters: { Stopped: 2, InProgress: 0 },
    });
    expect(sagemaker.starts('stopped').filter(isAlive)).toEqual([]);
    await expect(tuning.stop('stopped')).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('stops children early that are worse than the median of those before', async () => {
    await tuning.create('early', {
      config: {
        TrainingJobEarlyStoppingType: 'Auto',
        ResourceLimits: { MaxNumberOfTrainingJobs: 5, MaxParallelTrainingJobs: 1 },
        ParameterRanges: { ContinuousParameterRanges: [X] },
      },
      fixed: { epochs: '3', pause: '0.5' },
    });
    const job = await tuning.ended('early');
    const scores = (await tuning.children('early')).map(
      (child) => 1 - (Number(tuned(child)['x']) - 0.3) ** 2,
    );
    const [first, second, third, ...later] = scores as [number, number, number, ...number[]];
    const median = [first, second, third].toSorted((a, b) => a - b)[1]!;
    // Each child's score grows with its epochs alike, so that the first epoch decides.
    expect(later[0]).toBeLessThan(median);
    expect(job.TrainingJobStatusCounters!.Stopped).toBeGreaterThan(0);
    const stopped = await tuning.children('early', { StatusEquals: 'Stopped', SortBy: 'CreationTime' });
    expect(tuned(stopped[0]!)['x']).toBe(tuned((await tuning.children('early'))[3]!)['x']);
    expect(stopped[0]).toMatchObject({ ObjectiveStatus: 'Succeeded' });
  });

  it('gives its epochs to the best by Hyperband', async () => {
    await tuning.create('hyperband', {
      config: {
        Strategy: 'Hyperband',
        ResourceLimits: { MaxNumberOfTrainingJobs: 8, MaxParallelTrainingJobs: 3 },
      },
      fixed: { epochs: '4', pause: '0.5' },
    });
    const job = await tuning.ended('hyperband');
    const { Completed, Stopped } = job.TrainingJobStatusCounters!;
    expect(Completed! + Stopped!).toBe(8);
    expect(Stopped).toBeGreaterThan(0);
    expect(job.BestTrainingJob!.TrainingJobStatus).toBe('Completed');
  });

  it('ends once its target is reached', async () => {
    await tuning.create('target', {
      config: { TuningJobCompletionCriteria: { TargetObjectiveMetricValue: -10 } },
    });
    const job = await tuning.ended('target');
    expect(job.HyperParameterTuningJobStatus).toBe('Completed');
    expect((await tuning.children('target')).length).toBeLessThan(4);
  });

  it('learns from its parents', async () => {
    const WarmStartConfig = {
      ParentHyperParameterTuningJobs: [{ HyperParameterTuningJobName: 'bayesian' }],
      WarmStartType: 'IdenticalDataAndAlgorithm' as const,
    };
    const job = tuning.request('warm', {
      config: {
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 1, MaxParallelTrainingJobs: 1 },
      },
    });
    await sagemaker.client.send(new CreateHyperParameterTuningJobCommand({ ...job, WarmStartConfig }));
    const { OverallBestTrainingJob, BestTrainingJob } = await tuning.ended('warm');
    const parents = await tuning.describe('bayesian');
    const better = [BestTrainingJob!, parents.BestTrainingJob!].toSorted(
      (a, b) => valueOf(b)! - valueOf(a)!,
    )[0]!;
    expect(OverallBestTrainingJob!.TrainingJobName).toBe(better.TrainingJobName);
  });

  it('is listed by name', async () => {
    const page = await sagemaker.client.send(
      new ListHyperParameterTuningJobsCommand({ NameContains: 'ban', StatusEquals: 'Completed' }),
    );
    expect(page.HyperParameterTuningJobSummaries).toMatchObject([
      { HyperParameterTuningJobName: 'hyperband', Strategy: 'Hyperband' },
    ]);
  });
});
