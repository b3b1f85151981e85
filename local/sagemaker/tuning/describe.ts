import { jobStatus } from '../jobs/job';
import { seconds } from '../seconds';
import { bestOf, hasEnded, notImproving, objectiveOf, statusCounters, trialState, type Child } from './child';
import type { TuningEnd, TuningRecord } from './tuning-store';

/** Everything that is known of a tuning job at one moment. */
export interface TuningState {
  record: TuningRecord;
  children: Child[];
  stopRequested: number | null;
  end: TuningEnd | null;
}

export function tuningStatus({
  end,
  stopRequested,
}: TuningState): TuningEnd['status'] | 'InProgress' | 'Stopping' {
  return end?.status ?? (stopRequested === null ? 'InProgress' : 'Stopping');
}

/** Epoch milliseconds. */
export function tuningModified({ record, children, stopRequested, end }: TuningState): number {
  const begun = children.map(({ job }) => job.record.creationTime);
  const over = children.map(({ job }) => job.progress.end ?? 0);
  return Math.max(record.creationTime, stopRequested ?? 0, end?.time ?? 0, ...begun, ...over);
}

/** The answer of DescribeHyperParameterTuningJob; times in epoch seconds. */
export function describeTuning(state: TuningState): Record<string, unknown> {
  const { record, children, end } = state;
  const { Tags: _tags, ...asked } = record.request;
  const best = bestOf(children);
  const until = end?.time ?? Date.now();
  return {
    ...asked,
    HyperParameterTuningJobArn: record.arn,
    HyperParameterTuningJobStatus: tuningStatus(state),
    CreationTime: seconds(record.creationTime),
    LastModifiedTime: seconds(tuningModified(state)),
    HyperParameterTuningEndTime: end ? seconds(end.time) : undefined,
    ...countersOf(children),
    BestTrainingJob: best && { ...summarizeChild(best), TuningJobName: undefined },
    FailureReason: end?.failureReason,
    TuningJobCompletionDetails: { NumberOfTrainingJobsObjectiveNotImproving: notImproving(children) },
    ConsumedResources: { RuntimeInSeconds: Math.max(0, Math.ceil(seconds(until - record.creationTime))) },
  };
}

/** One entry of ListHyperParameterTuningJobs. */
export function summarizeTuning(state: TuningState): Record<string, unknown> {
  const { record, children, end } = state;
  const config = record.request.HyperParameterTuningJobConfig!;
  return {
    HyperParameterTuningJobName: record.name,
    HyperParameterTuningJobArn: record.arn,
    HyperParameterTuningJobStatus: tuningStatus(state),
    Strategy: config.Strategy,
    CreationTime: seconds(record.creationTime),
    LastModifiedTime: seconds(tuningModified(state)),
    HyperParameterTuningEndTime: end ? seconds(end.time) : undefined,
    ...countersOf(children),
    ResourceLimits: config.ResourceLimits,
  };
}

function countersOf(children: Child[]): Record<string, object> {
  const count = (...states: string[]) =>
    children.filter((child) => states.includes(trialState(child))).length;
  return {
    TrainingJobStatusCounters: statusCounters(children),
    ObjectiveStatusCounters: {
      Succeeded: count('complete', 'stopped'),
      Pending: count('running'),
      Failed: count('failed'),
    },
  };
}

/** One entry of ListTrainingJobsForHyperParameterTuningJob. */
export function summarizeChild(child: Child): Record<string, unknown> {
  const { trial, definition, job } = child;
  const { record, progress } = job;
  const value = hasEnded(child) ? objectiveOf(child) : undefined;
  const pending = hasEnded(child) ? 'Failed' : 'Pending';
  return {
    TrainingJobDefinitionName: definition.name,
    TrainingJobName: record.name,
    TrainingJobArn: record.arn,
    CreationTime: seconds(record.creationTime),
    TrainingStartTime: progress.start && seconds(progress.start),
    TrainingEndTime: progress.end && seconds(progress.end),
    TrainingJobStatus: jobStatus(job),
    TunedHyperParameters: trial.parameters,
    FailureReason: progress.failureReason,
    FinalHyperParameterTuningJobObjectiveMetric:
      value === undefined
        ? undefined
        : { Type: definition.objective!.Type, MetricName: definition.objective!.MetricName, Value: value },
    ObjectiveStatus: value === undefined ? pending : 'Succeeded',
  };
}
