import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { TrainingOutcome } from '../../contracts/training';
import { readJobLog } from '../../platform/sagemaker';
import type { SagemakerDependencies } from './start';

const TAIL_LINES = 20;
/** Failure messages are cut at 4 KiB on their way to the workflow: reason and tail fit together. */
const TAIL_LENGTH = 2000;

/**
 * What an ended job has come to.
 * @throws MeridianError TrainingFailed (the program's or the request's own fault), CapacityUnavailable (SageMaker's:
 * another attempt may succeed, under a name of its own), TrainingStopped, BadArtifact. None is mended by polling again.
 */
export async function outcomeOf(
  dependencies: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
): Promise<TrainingOutcome> {
  if (job.TrainingJobStatus === 'Failed') throw await failureOf(dependencies, job);
  if (job.TrainingJobStatus === 'Stopped') throw stopped(job);
  return {
    jobName: job.TrainingJobName!,
    artifactKey: await artifactKey(dependencies, job),
    trainingSeconds: job.TrainingTimeInSeconds ?? 0,
    billableSeconds: job.BillableTimeInSeconds ?? 0,
    metrics: Object.fromEntries(
      (job.FinalMetricDataList ?? []).map(({ MetricName, Value }) => [MetricName!, Value!]),
    ),
    createdAt: job.CreationTime!.toISOString(),
    startedAt: (job.TrainingStartTime ?? job.CreationTime!).toISOString(),
    endedAt: (job.TrainingEndTime ?? job.LastModifiedTime!).toISOString(),
  };
}

/** Whether a job failed for no fault of the program or the request. */
export const isSagemakersOwn = (reason: string | null): boolean =>
  /^(CapacityError|InternalServerError)/.test(reason ?? '');

/** Why a job has failed, as an error. */
export async function failureOf(
  { config }: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
): Promise<MeridianError> {
  const reason = job.FailureReason ?? 'no reason given';
  const jobName = job.TrainingJobName!;
  if (isSagemakersOwn(reason)) {
    return new MeridianError(
      ErrorCode.CapacityUnavailable,
      `training job ${jobName} failed for a reason of SageMaker's own: ${reason} Another attempt may succeed.`,
      [],
      { retryable: false },
    );
  }
  const lines = await readJobLog(config.sagemaker, jobName, TAIL_LINES);
  const tail = lines.length > 0 ? `\nThe end of its log:\n${lines.join('\n').slice(-TAIL_LENGTH)}` : '';
  return new MeridianError(ErrorCode.TrainingFailed, `training job ${jobName} failed: ${reason}${tail}`);
}

function stopped(job: DescribeTrainingJobResponse): Error {
  const limit = job.StoppingCondition?.MaxRuntimeInSeconds;
  const why =
    job.SecondaryStatus === 'MaxRuntimeExceeded'
      ? `it ran longer than the ${limit} s it was given. Raise maxRuntimeSeconds in the declaration`
      : `it was stopped from outside (${job.SecondaryStatus}). Resolve with "retry" to train anew`;
  return new MeridianError(
    ErrorCode.TrainingStopped,
    `training job ${job.TrainingJobName}: found Stopped, expected Completed: ${why}.`,
  );
}

/** SageMaker names an artifact even where the program left none, so that it must be looked for. */
async function artifactKey(
  { store }: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
): Promise<string> {
  const uri = job.ModelArtifacts?.S3ModelArtifacts ?? '';
  const key = uri.startsWith(store.uri('')) ? uri.slice(store.uri('').length) : null;
  if (key && (await store.head(key))) return key;
  throw new MeridianError(
    ErrorCode.BadArtifact,
    `training job ${job.TrainingJobName}: completed, but found no ${uri || 'artifact'}; expected the model in SM_MODEL_DIR. ` +
      'Check that the training program writes it there.',
  );
}
