import type { CreateTrainingJobRequest, WarmPoolStatus } from '@aws-sdk/client-sagemaker';
import { jobStatus, lastModified, type JobRecord, type JobStatus, type Transition } from '../jobs/job';
import { statusMessage } from '../jobs/timeline';
import { seconds } from '../seconds';
import type { TrainingState } from './kind';

const DAY = 86_400;

/**
 * What a managed spot instance costs of the on-demand price. SageMaker puts the lower price into the billable seconds, so
 * that saving = 1 - billable / training; spot prices change hourly, 60 % saved is what one may count on.
 */
const SPOT_PRICE_SHARE = 0.4;

/** S3 URI of everything the job leaves behind, without a closing slash. */
export function outputPrefix({ record }: { record: JobRecord<CreateTrainingJobRequest> }): string {
  const path = record.request.OutputDataConfig!.S3OutputPath!.replace(/\/+$/, '');
  return `${path}/${record.name}/output`;
}

/**
 * The transitions as they are told: a job is Starting from its creation on, and Stopping from the order to stop on, before
 * its supervisor has taken either up.
 */
function transitionsOf({ record, progress, stopRequested }: TrainingState): Transition[] {
  const { transitions, outcome } = progress;
  const [first = begun('Starting', record.creationTime), ...others] = transitions;
  const told = [{ ...first, start: record.creationTime }, ...others];
  const last = told.at(-1)!;
  const isTooLate = outcome !== undefined || last.status === 'Uploading';
  if (stopRequested === null || isTooLate || last.status === 'Stopping') return told;
  const since = Math.max(stopRequested, last.start);
  return [...told.slice(0, -1), { ...last, end: last.end ?? since }, begun('Stopping', since)];
}

const begun = (status: JobStatus, start: number): Transition => ({
  status,
  start,
  message: statusMessage(status),
});

/** The answer of DescribeTrainingJob; times in epoch seconds. */
export function describeTraining(state: TrainingState): Record<string, unknown> {
  const { record, progress } = state;
  const { request } = record;
  const { Tags: _tags, SessionChainingConfig: _sessions, ...asked } = request;
  const transitions = transitionsOf(state);
  return {
    ...asked,
    TrainingJobArn: record.arn,
    TuningJobArn: record.tuningJobArn,
    // SageMaker names the object even where an empty model folder has left none.
    ModelArtifacts: { S3ModelArtifacts: `${outputPrefix(state)}/model.tar.gz` },
    TrainingJobStatus: jobStatus(state),
    SecondaryStatus: transitions.at(-1)!.status,
    WarmPoolStatus: warmPoolStatus(state),
    FailureReason: progress.failureReason,
    CheckpointConfig: request.CheckpointConfig && {
      LocalPath: '/opt/ml/checkpoints',
      ...request.CheckpointConfig,
    },
    StoppingCondition: { MaxRuntimeInSeconds: DAY, ...request.StoppingCondition },
    EnableNetworkIsolation: request.EnableNetworkIsolation ?? false,
    EnableInterContainerTrafficEncryption: request.EnableInterContainerTrafficEncryption ?? false,
    EnableManagedSpotTraining: request.EnableManagedSpotTraining ?? false,
    CreationTime: seconds(record.creationTime),
    LastModifiedTime: seconds(lastModified(state)),
    TrainingStartTime: progress.start && seconds(progress.start),
    TrainingEndTime: progress.end && seconds(progress.end),
    ...durations(state),
    SecondaryStatusTransitions: transitions.map((transition) => ({
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

/** Here an instance costs nothing to start: none is kept after its job. */
export function warmPoolStatus({ record, progress }: TrainingState): WarmPoolStatus | undefined {
  if (!record.request.ResourceConfig?.KeepAlivePeriodInSeconds) return undefined;
  return { Status: progress.outcome ? 'Terminated' : 'InUse', ResourceRetainedBillableTimeInSeconds: 0 };
}

/** One entry of ListTrainingJobs. */
export function summarizeTraining(state: TrainingState): Record<string, unknown> {
  const all = describeTraining(state);
  const members = [
    'TrainingJobName',
    'TrainingJobArn',
    'CreationTime',
    'TrainingEndTime',
    'LastModifiedTime',
    'TrainingJobStatus',
    'SecondaryStatus',
    'WarmPoolStatus',
    'TrainingPlanArn',
  ];
  return Object.fromEntries(members.map((member) => [member, all[member]]));
}

/** Whole seconds, at least one; billed is the time on an instance, so not the time between two spot instances. */
function durations({ record, progress }: TrainingState): Record<string, number> {
  if (!progress.start || !progress.end) return {};
  const onInstance = progress.transitions
    .filter(({ status }) => ['Downloading', 'Training', 'Stopping', 'Uploading'].includes(status))
    .reduce((sum, transition) => sum + length(transition), 0);
  const share = record.request.EnableManagedSpotTraining ? SPOT_PRICE_SHARE : 1;
  const whole = (milliseconds: number) => Math.max(1, Math.ceil(seconds(milliseconds)));
  return {
    TrainingTimeInSeconds: whole(progress.end - progress.start),
    BillableTimeInSeconds: whole(onInstance * share),
  };
}

const length = ({ start, end }: Transition): number => (end ?? start) - start;
