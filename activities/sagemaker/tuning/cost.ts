import type { DescribeHyperParameterTuningJobResponse } from '@aws-sdk/client-sagemaker';
import type { JobCost } from '../../../contracts/training';
import { totalCost } from '../cost';

/** What a search took, as if it were one job: what each of its trials took is in its report. */
export function searchCost(job: DescribeHyperParameterTuningJobResponse, trials: JobCost[]): JobCost {
  const { TrainingJobDefinition: definition } = job;
  const { trainingSeconds, billableSeconds, dollars } = totalCost(trials);
  return {
    jobName: job.HyperParameterTuningJobName!,
    market: definition?.EnableManagedSpotTraining ? 'spot' : 'on-demand',
    instanceType: definition?.ResourceConfig?.InstanceType ?? '',
    instanceCount: definition?.ResourceConfig?.InstanceCount ?? 1,
    ended: job.HyperParameterTuningJobStatus!,
    interruptions: trials.reduce((sum, { interruptions }) => sum + interruptions, 0),
    trainingSeconds,
    billableSeconds,
    dollars,
  };
}
