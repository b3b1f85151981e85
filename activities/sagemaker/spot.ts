import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { hasEnded, interruptionsOf } from './job-state';

/** SageMaker goes on by itself after an interruption; after more than these it had better go on on-demand. */
export const DEFAULT_INTERRUPTIONS = 3;

/**
 * Ends the wait for a spot job that spot instances do not carry to its end.
 * @throws MeridianError SpotUnavailable (not retried): the job may still live, and is to be stopped before another is
 * started; it goes on from the same checkpoints
 */
export function requireSpot(job: DescribeTrainingJobResponse, maxInterruptions: number): void {
  if (!job.EnableManagedSpotTraining) return;
  const why = whyNot(job, maxInterruptions);
  if (!why) return;
  throw new MeridianError(
    ErrorCode.SpotUnavailable,
    `training job ${job.TrainingJobName}: ${why}. It goes on on-demand, from its newest checkpoint where it keeps any.`,
  );
}

function whyNot(job: DescribeTrainingJobResponse, maxInterruptions: number): string | null {
  if (job.TrainingJobStatus === 'Failed' && job.FailureReason?.startsWith('CapacityError'))
    return `found no spot instances (${job.FailureReason.trim()})`;
  if (job.SecondaryStatus === 'MaxWaitTimeExceeded')
    return `found Stopped: it waited and trained longer than the ${job.StoppingCondition?.MaxWaitTimeInSeconds} s it was given`;
  // What has been trained to its end is not thrown away.
  if (hasEnded(job) || job.SecondaryStatus === 'Uploading') return null;
  const interruptions = interruptionsOf(job);
  return interruptions > maxInterruptions
    ? `its spot instances were taken away ${interruptions} times, expected at most ${maxInterruptions}`
    : null;
}
