import type { SecondaryStatus, TrainingJobStatus } from '@aws-sdk/client-sagemaker';
import type { JobState, Transition } from './job';

const DAY = 86_400;
const seconds = (milliseconds: number) => milliseconds / 1000;

/** S3 URI of the job's `model.tar.gz`. */
export const modelArtifact = (state: Pick<JobState, 'record'>): string =>
  `${outputPrefix(state)}/model.tar.gz`;

/** S3 URI of everything the job leaves behind, without a closing slash. */
export function outputPrefix({ record }: Pick<JobState, 'record'>): string {
  const path = record.request.OutputDataConfig!.S3OutputPath!.replace(/\/+$/, '');
  return `${path}/${record.name}/output`;
}

export function jobStatus(state: JobState): TrainingJobStatus {
  if (state.progress.outcome) return state.progress.outcome;
  const stopping =
    state.stopRequested !== null || state.progress.transitions.some((t) => t.status === 'Stopping');
  return stopping ? 'Stopping' : 'InProgress';
}

export function secondaryStatus(state: JobState): SecondaryStatus {
  const last = state.progress.transitions.at(-1)?.status ?? 'Starting';
  const stopping = jobStatus(state) === 'Stopping' && last !== 'Uploading';
  return stopping ? 'Stopping' : last;
}

/** The answer of DescribeTrainingJob; times in epoch seconds. */
export function describe(state: JobState): Record<string, unknown> {
  const { record, progress } = state;
  const { request } = record;
  const { Tags: _tags, ...asked } = request;
  return {
    ...asked,
    TrainingJobArn: record.arn,
    ModelArtifacts: { S3ModelArtifacts: modelArtifact(state) },
    TrainingJobStatus: jobStatus(state),
    SecondaryStatus: secondaryStatus(state),
    FailureReason: progress.failureReason,
    StoppingCondition: { MaxRuntimeInSeconds: DAY, ...request.StoppingCondition },
    EnableNetworkIsolation: request.EnableNetworkIsolation ?? false,
    EnableInterContainerTrafficEncryption: request.EnableInterContainerTrafficEncryption ?? false,
    EnableManagedSpotTraining: request.EnableManagedSpotTraining ?? false,
    CreationTime: seconds(record.creationTime),
    LastModifiedTime: seconds(lastModified(state)),
    TrainingStartTime: progress.trainingStart && seconds(progress.trainingStart),
    TrainingEndTime: progress.trainingEnd && seconds(progress.trainingEnd),
    ...durations(state),
    SecondaryStatusTransitions: progress.transitions.map((transition) => ({
      Status: transition.status,
      StartTime: seconds(transition.start),
      EndTime: transition.end && seconds(transition.end),
      StatusMessage: transition.message,
    })),
    FinalMetricDataList: progress.metrics?.map(({ name, value, time }) => ({
      MetricName: name,
      Value: value,
      Timestamp: seconds(time),
    })),
  };
}

/** One entry of ListTrainingJobs. */
export function summarize(state: JobState): Record<string, unknown> {
  const all = describe(state);
  const members = [
    'TrainingJobName',
    'TrainingJobArn',
    'CreationTime',
    'TrainingEndTime',
    'LastModifiedTime',
    'TrainingJobStatus',
    'SecondaryStatus',
  ];
  return Object.fromEntries(members.map((member) => [member, all[member]]));
}

/** Epoch milliseconds. */
export function lastModified({ record, progress, stopRequested }: JobState): number {
  const last = progress.transitions.at(-1);
  return Math.max(record.creationTime, stopRequested ?? 0, last?.start ?? 0, last?.end ?? 0);
}

/** Whole seconds, at least one; billed is the time on an instance, so not the time between two spot instances. */
function durations({ progress }: JobState): Record<string, number> {
  if (!progress.trainingStart || !progress.trainingEnd) return {};
  const onInstance = progress.transitions
    .filter(({ status }) => ['Downloading', 'Training', 'Stopping', 'Uploading'].includes(status))
    .reduce((sum, transition) => sum + length(transition), 0);
  const whole = (milliseconds: number) => Math.max(1, Math.ceil(seconds(milliseconds)));
  return {
    TrainingTimeInSeconds: whole(progress.trainingEnd - progress.trainingStart),
    BillableTimeInSeconds: whole(onInstance),
  };
}

const length = ({ start, end }: Transition): number => (end ?? start) - start;
