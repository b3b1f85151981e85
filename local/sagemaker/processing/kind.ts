import type { CreateProcessingJobRequest } from '@aws-sdk/client-sagemaker';
import type { JobState } from '../jobs/job';
import type { JobKind } from '../jobs/kind';
import { jobStatus, lastModified } from '../jobs/job';
import { seconds } from '../seconds';

export type ProcessingState = JobState<CreateProcessingJobRequest>;

export const PROCESSING: JobKind = {
  resource: 'processing-job',
  words: 'processing job',
  folder: 'processing-jobs',
  event: 'SageMaker Processing Job State Change',
  unknown: (name) => `Could not find requested job with name: ${name}`,
  describe: (state) => describeProcessing(state as ProcessingState),
  maximumRetries: () => 0,
};

/** The answer of DescribeProcessingJob; times in epoch seconds. */
export function describeProcessing(state: ProcessingState): Record<string, unknown> {
  const { record, progress } = state;
  const { Tags: _tags, ...asked } = record.request;
  return {
    ...asked,
    ProcessingJobArn: record.arn,
    ProcessingJobStatus: jobStatus(state),
    ExitMessage: progress.exitMessage,
    FailureReason: progress.failureReason,
    CreationTime: seconds(record.creationTime),
    LastModifiedTime: seconds(lastModified(state)),
    ProcessingStartTime: progress.start && seconds(progress.start),
    ProcessingEndTime: progress.end && seconds(progress.end),
  };
}

/** One entry of ListProcessingJobs. */
export function summarizeProcessing(state: ProcessingState): Record<string, unknown> {
  const all = describeProcessing(state);
  const members = [
    'ProcessingJobName',
    'ProcessingJobArn',
    'CreationTime',
    'ProcessingEndTime',
    'LastModifiedTime',
    'ProcessingJobStatus',
    'FailureReason',
    'ExitMessage',
  ];
  return Object.fromEntries(members.map((member) => [member, all[member]]));
}
