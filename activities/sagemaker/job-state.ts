import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import type { TrainingHeartbeat } from '../../contracts/training';
import { readJobLog } from '../../platform/sagemaker';
import type { SagemakerDependencies } from './start';

export const hasEnded = ({ TrainingJobStatus: status }: DescribeTrainingJobResponse): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Stopped';

/** Times that a job's spot instances were taken away. */
export const interruptionsOf = ({ SecondaryStatusTransitions: all }: DescribeTrainingJobResponse): number =>
  (all ?? []).filter(({ Status }) => Status === 'Interrupted').length;

/** Where a job is, for people who look at the activity that waits for it. */
export async function heartbeatOf(
  { config }: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
): Promise<TrainingHeartbeat> {
  const [line] = await readJobLog(config.sagemaker, job.TrainingJobName!, 1);
  return {
    phase: phaseOf(job),
    jobName: job.TrainingJobName!,
    seconds: Math.round((Date.now() - job.CreationTime!.getTime()) / 1000),
    lastLogLine: (line ?? '').slice(0, 500),
    interruptions: interruptionsOf(job),
  };
}

/** A status that is not known counts as still under way. */
function phaseOf({
  TrainingJobStatus,
  SecondaryStatus,
}: DescribeTrainingJobResponse): TrainingHeartbeat['phase'] {
  if (TrainingJobStatus === 'Stopping') return 'stopping';
  if (SecondaryStatus === 'Training') return 'training';
  return SecondaryStatus === 'Uploading' ? 'uploading' : 'starting';
}
