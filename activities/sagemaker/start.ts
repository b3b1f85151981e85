import {
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobResponse,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { specificationHash } from '../../contracts/job-name';
import type { TrainingJobHandle } from '../../contracts/training';
import { checkSpecification } from '../../contracts/training-rules';
import type { Config } from '../../platform/config';
import type { JobEvents } from '../../platform/job-events';
import type { ObjectStore } from '../../platform/s3';
import { isNameTaken, isUnknownJob, translate } from './errors';
import type { PriceTable } from './prices';
import { SPECIFICATION_HASH, createRequest, marketOf, type TrainingJobRequest } from './request';

export interface SagemakerDependencies {
  sagemaker: SageMakerClient;
  config: Pick<Config, 'sagemaker'>;
  store: ObjectStore;
  /** Tells at once that a job has changed; without it, polls alone find out. */
  events?: Pick<JobEvents, 'listen'>;
  /** Without it, those that come with the platform. */
  prices?: PriceTable;
}

/** Creates the job unless it is there already; a job of that name and another specification is not ours. */
export async function startJob(
  { sagemaker, config, store }: SagemakerDependencies,
  request: TrainingJobRequest,
): Promise<TrainingJobHandle> {
  const { jobName, specification } = request;
  checkSpecification(`training job ${jobName}`, specification);
  const existing = await findJob(sagemaker, jobName);
  if (existing) return adopt(existing, request);
  try {
    await sagemaker.send(new CreateTrainingJobCommand(createRequest(request, config.sagemaker, store)));
    return { jobName, adopted: false };
  } catch (error) {
    if (!isNameTaken(error)) throw refusal(error, request);
  }
  // Created by another attempt, or by this one: a request whose answer was lost is sent again.
  const created = await findJob(sagemaker, jobName);
  if (created) return adopt(created, request);
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    `starting training job ${jobName}: SageMaker says that the name is in use, and that it knows no such job. It is retried.`,
  );
}

/** A quota of spot instances that is used up is no reason to wait: there is another one, of on-demand instances. */
function refusal(error: unknown, { jobName, specification, market }: TrainingJobRequest): MeridianError {
  const translated = translate(error, `starting training job ${jobName}`);
  if (translated.code !== ErrorCode.CapacityUnavailable || marketOf(specification, market) !== 'spot')
    return translated;
  return new MeridianError(ErrorCode.SpotUnavailable, translated.message, [], { cause: error });
}

/** Null where SageMaker knows no job of that name. */
export async function findJob(
  sagemaker: SageMakerClient,
  jobName: string,
): Promise<DescribeTrainingJobResponse | null> {
  try {
    return await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }));
  } catch (error) {
    if (isUnknownJob(error)) return null;
    throw translate(error, `looking for training job ${jobName}`);
  }
}

function adopt(
  job: DescribeTrainingJobResponse,
  { jobName, specification }: TrainingJobRequest,
): TrainingJobHandle {
  const found = job.Environment?.[SPECIFICATION_HASH];
  const expected = specificationHash(specification);
  if (found === expected) return { jobName, adopted: true };
  throw new MeridianError(
    ErrorCode.JobNameTaken,
    `training job ${jobName}: it exists with ${SPECIFICATION_HASH} ${show(found)}, expected ${expected}: another ` +
      'specification, so not our job. Resolve with "retry", which gives the job a new name, or start under another label.',
  );
}
