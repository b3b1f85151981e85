import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import fc from 'fast-check';
import { jobCost, totalCost } from './cost';
import { readPrices } from './prices';

const job = (change: Partial<DescribeTrainingJobResponse> = {}): DescribeTrainingJobResponse => ({
  TrainingJobName: 'j',
  TrainingJobArn: 'arn',
  ModelArtifacts: { S3ModelArtifacts: 's3://b/k' },
  TrainingJobStatus: 'Completed',
  SecondaryStatus: 'Completed',
  StoppingCondition: {},
  CreationTime: new Date(0),
  AlgorithmSpecification: undefined,
  ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 2, VolumeSizeInGB: 1 },
  TrainingTimeInSeconds: 3600,
  BillableTimeInSeconds: 1440,
  EnableManagedSpotTraining: true,
  ...change,
});

const PRICES = { 'ml.m5.xlarge': 0.23, 'ml.g5.xlarge': 1.408 };

describe('jobCost', () => {
  it('is billable time × instances × price', () => {
    expect(jobCost(job(), PRICES)).toEqual({
      jobName: 'j',
      market: 'spot',
      instanceType: 'ml.m5.xlarge',
      instanceCount: 2,
      ended: 'Completed',
      interruptions: 0,
      trainingSeconds: 3600,
      billableSeconds: 1440,
      dollars: 0.4 * 2 * 0.23,
    });
  });

  it('counts interruptions, and a job that never started as nothing', () => {
    const at = { StartTime: new Date(0) };
    const transitions = ['Starting', 'Training', 'Interrupted', 'Training', 'Interrupted', 'Training'];
    const never = job({
      TrainingJobStatus: 'Failed',
      SecondaryStatus: 'Failed',
      TrainingTimeInSeconds: undefined,
      BillableTimeInSeconds: undefined,
      SecondaryStatusTransitions: transitions.map((Status) => ({ Status: Status as 'Training', ...at })),
    });
    expect(jobCost(never, PRICES)).toMatchObject({ interruptions: 2, billableSeconds: 0, dollars: 0 });
  });

  it('says that it does not know the price of a type that the table leaves out', () => {
    const unknown = job({ ResourceConfig: { InstanceType: 'ml.p5.48xlarge', InstanceCount: 1 } });
    expect(jobCost(unknown, PRICES).dollars).toBeNull();
    expect(totalCost([jobCost(job(), PRICES), jobCost(unknown, PRICES)]).dollars).toBeNull();
  });
});

describe('totalCost', () => {
  it('sums over jobs, and counts the saving as SageMaker does', () => {
    const seconds = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(seconds, seconds), { minLength: 1, maxLength: 6 }), (all) => {
        const jobs = all.map(([training, billable]) =>
          jobCost(job({ TrainingTimeInSeconds: training, BillableTimeInSeconds: billable }), PRICES),
        );
        const cost = totalCost(jobs);
        const [training, billable] = [0, 1].map((i) => all.reduce((sum, pair) => sum + pair[i]!, 0));
        expect(cost).toMatchObject({ trainingSeconds: training, billableSeconds: billable, jobs });
        expect(cost.spotSavingPercent).toBeCloseTo(100 - (100 * billable!) / training!, 9);
        expect(cost.dollars).toBeCloseTo((billable! / 3600) * 2 * 0.23, 9);
      }),
    );
  });

  it('saves nothing where nothing was trained', () => {
    expect(totalCost([])).toMatchObject({ spotSavingPercent: null, dollars: 0 });
  });
});

describe('readPrices', () => {
  it('reads the table of a file, and names what is wrong with it', () => {
    expect(readPrices()['ml.m5.xlarge']).toBeGreaterThan(0);
    const folder = mkdtempSync(join(tmpdir(), 'meridian-prices-'));
    const file = join(folder, 'prices.json');
    const read = (text: string) => {
      writeFileSync(file, text);
      return () => readPrices(file);
    };
    expect(read('{"instances": {"ml.m5.large": 0.1}}')()).toEqual({ 'ml.m5.large': 0.1 });
    expect(read('{"instances": {"ml.m5.large": "0.1"}}')).toThrow('ml.m5.large: "0.1"');
    expect(read('{}')).toThrow('found no instances');
    expect(read('{')).toThrow('expected a readable JSON file');
    rmSync(folder, { recursive: true });
  });
});
