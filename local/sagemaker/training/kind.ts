import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { UNKNOWN_RESOURCE } from '../api/errors';
import type { JobKind } from '../jobs/kind';
import type { JobState } from '../jobs/job';
import { describeTraining } from './describe';

export type TrainingState = JobState<CreateTrainingJobRequest>;

/** SageMaker starts a job again after an internal error only where its owner asked for it. */
export const maximumRetries = ({ record }: Pick<TrainingState, 'record'>): number =>
  record.request.RetryStrategy?.MaximumRetryAttempts ?? 0;

export const TRAINING: JobKind = {
  resource: 'training-job',
  words: 'training job',
  unknown: () => UNKNOWN_RESOURCE,
  folder: 'jobs',
  event: 'SageMaker Training Job State Change',
  describe: (state) => describeTraining(state as TrainingState),
  maximumRetries: (state) => maximumRetries(state as TrainingState),
};
