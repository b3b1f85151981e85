import type { ContainerDefinition, CreateTransformJobRequest } from '@aws-sdk/client-sagemaker';
import { jobStatus, type JobState } from '../jobs/job';
import type { JobKind } from '../jobs/kind';
import { seconds } from '../seconds';

/** A transform job keeps the container of its model as it was: the model may be deleted meanwhile. */
export interface TransformRequest extends CreateTransformJobRequest {
  container: ContainerDefinition;
}

export type TransformState = JobState<TransformRequest>;

export const TRANSFORM: JobKind = {
  resource: 'transform-job',
  words: 'transform job',
  folder: 'transform-jobs',
  event: 'SageMaker Transform Job State Change',
  unknown: (name) => `Could not find requested job with name: ${name}`,
  describe: (state) => describeTransform(state as TransformState),
  maximumRetries: () => 0,
};

/** The answer of DescribeTransformJob; times in epoch seconds. */
export function describeTransform(state: TransformState): Record<string, unknown> {
  const { record, progress } = state;
  const { Tags: _tags, container: _container, ...asked } = record.request;
  return {
    ...asked,
    TransformJobArn: record.arn,
    TransformJobStatus: jobStatus(state),
    FailureReason: progress.failureReason,
    CreationTime: seconds(record.creationTime),
    TransformStartTime: progress.start && seconds(progress.start),
    TransformEndTime: progress.end && seconds(progress.end),
  };
}

/** One entry of ListTransformJobs. */
export function summarizeTransform(state: TransformState): Record<string, unknown> {
  const {
    TransformJobName,
    TransformJobArn,
    CreationTime,
    TransformEndTime,
    TransformJobStatus,
    FailureReason,
  } = describeTransform(state);
  return {
    TransformJobName,
    TransformJobArn,
    CreationTime,
    TransformEndTime,
    TransformJobStatus,
    FailureReason,
  };
}
