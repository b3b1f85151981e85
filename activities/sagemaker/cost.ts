import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import type { JobCost, TrainingCost } from '../../contracts/training';
import { interruptionsOf } from './job-state';
import type { PriceTable } from './prices';

const SECONDS_AN_HOUR = 3600;

/**
 * What a job took. SageMaker counts what spot saves into the billable seconds, so that these are paid at the on-demand
 * price: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
 */
export function jobCost(job: DescribeTrainingJobResponse, prices: PriceTable): JobCost {
  const { InstanceType: instanceType = '', InstanceCount: instanceCount = 1 } = job.ResourceConfig ?? {};
  const billableSeconds = job.BillableTimeInSeconds ?? 0;
  const price = prices[instanceType];
  return {
    jobName: job.TrainingJobName!,
    market: job.EnableManagedSpotTraining ? 'spot' : 'on-demand',
    instanceType,
    instanceCount,
    ended: job.SecondaryStatus ?? job.TrainingJobStatus!,
    interruptions: interruptionsOf(job),
    trainingSeconds: job.TrainingTimeInSeconds ?? 0,
    billableSeconds,
    dollars: price === undefined ? null : (billableSeconds / SECONDS_AN_HOUR) * instanceCount * price,
  };
}

/** The jobs of one step together. */
export function totalCost(jobs: JobCost[]): TrainingCost {
  const sum = (what: 'trainingSeconds' | 'billableSeconds'): number =>
    jobs.reduce((total, job) => total + job[what], 0);
  const [trainingSeconds, billableSeconds] = [sum('trainingSeconds'), sum('billableSeconds')];
  return {
    jobs,
    trainingSeconds,
    billableSeconds,
    spotSavingPercent: trainingSeconds === 0 ? null : (1 - billableSeconds / trainingSeconds) * 100,
    dollars: jobs.reduce<number | null>(
      (total, { dollars }) => (total === null || dollars === null ? null : total + dollars),
      0,
    ),
  };
}
