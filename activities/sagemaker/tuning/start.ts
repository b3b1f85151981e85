import {
  CreateHyperParameterTuningJobCommand,
  DescribeHyperParameterTuningJobCommand,
  type DescribeHyperParameterTuningJobResponse,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError, show } from '../../../contracts/errors';
import { specificationHash } from '../../../contracts/job-name';
import type { TrainingJobHandle } from '../../../contracts/training';
import { checkSpecification } from '../../../contracts/training-rules';
import { isNameTaken, isUnknownJob, translate } from '../errors';
import { SPECIFICATION_HASH } from '../request';
import type { SagemakerDependencies } from '../start';
import { createTuningRequest, type TuningJobRequest } from './request';

/** Creates the tuning job unless it is there already; one of that name and another specification is not ours. */
export async function startTuning(
  { sagemaker, config, store }: SagemakerDependencies,
  request: TuningJobRequest,
): Promise<TrainingJobHandle> {
  const { jobName, specification } = request;
  checkSpecification(`tuning job ${jobName}`, specification.training);
  const existing = await findTuning(sagemaker, jobName);
  if (existing) return adopt(existing, request);
  const command = new CreateHyperParameterTuningJobCommand(
    createTuningRequest(request, config.sagemaker, store),
  );
  try {
    await sagemaker.send(command);
    return { jobName, adopted: false };
  } catch (error) {
    if (!isNameTaken(error)) throw translate(error, `starting tuning job ${jobName}`);
  }
  // Created by another attempt, or by this one: a request whose answer was lost is sent again.
  const created = await findTuning(sagemaker, jobName);
  if (created) return adopt(created, request);
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    `starting tuning job ${jobName}: SageMaker says that the name is in use, and that it knows no such job. It is retried.`,
  );
}

/** Null where SageMaker knows no tuning job of that name. */
export async function findTuning(
  sagemaker: SageMakerClient,
  jobName: string,
): Promise<DescribeHyperParameterTuningJobResponse | null> {
  try {
    return await sagemaker.send(
      new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: jobName }),
    );
  } catch (error) {
    if (isUnknownJob(error)) return null;
    throw translate(error, `looking for tuning job ${jobName}`);
  }
}

/** A tuning job has no environment of its own; its trials have. */
function adopt(
  job: DescribeHyperParameterTuningJobResponse,
  { jobName, specification }: TuningJobRequest,
): TrainingJobHandle {
  const found = job.TrainingJobDefinition?.Environment?.[SPECIFICATION_HASH];
  const expected = specificationHash(specification);
  if (found === expected) return { jobName, adopted: true };
  throw new MeridianError(
    ErrorCode.JobNameTaken,
    `tuning job ${jobName}: it exists with ${SPECIFICATION_HASH} ${show(found)}, expected ${expected}: another ` +
      'specification, so not our job. Resolve with "retry", which gives the job a new name, or start under another label.',
  );
}
