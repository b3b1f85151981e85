import type { Channel, CreateTrainingJobRequest, TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import { Key } from '../../contracts/ids';
import { specificationHash } from '../../contracts/job-name';
import type { TrainingSpecification } from '../../contracts/training';
import type { Config } from '../../platform/config';
import type { ObjectStore } from '../../platform/s3';

/** The variable in a job's Environment by which its owner is known again. */
export const SPECIFICATION_HASH = 'MERIDIAN_SPECIFICATION_HASH';

/** SageMaker's level INFO, as Python's `logging` counts. */
const LOG_LEVEL = 20;

export interface TrainingJobRequest {
  jobName: string;
  specification: TrainingSpecification;
  tags?: Record<string, string>;
}

/** The specification as SageMaker reads it: script mode, hyperparameters as JSON, channels as S3 prefixes. */
export function createRequest(
  { jobName, specification, tags }: TrainingJobRequest,
  config: Config['sagemaker'],
  store: Pick<ObjectStore, 'uri'>,
): CreateTrainingJobRequest {
  const scriptMode = {
    sagemaker_program: specification.program,
    sagemaker_submit_directory: store.uri(specification.codeKey),
    sagemaker_job_name: jobName,
    sagemaker_region: config.region,
    sagemaker_container_log_level: LOG_LEVEL,
  };
  const hyperparameters = Object.entries({ ...specification.hyperparameters, ...scriptMode });
  return {
    TrainingJobName: jobName,
    RoleArn: config.roleArn,
    AlgorithmSpecification: {
      TrainingImage: `${config.imageRegistry}/meridian-training-${specification.image}:${config.imageTag}`,
      TrainingInputMode: 'File',
      MetricDefinitions: specification.metrics.map(({ name, regex }) => ({ Name: name, Regex: regex })),
    },
    HyperParameters: Object.fromEntries(hyperparameters.map(([key, value]) => [key, JSON.stringify(value)])),
    InputDataConfig: Object.entries(specification.channels).map(([name, prefix]) =>
      channel(name, store.uri(prefix)),
    ),
    OutputDataConfig: { S3OutputPath: store.uri(Key.trainingOutput) },
    ResourceConfig: {
      InstanceType: specification.instanceType as TrainingInstanceType,
      InstanceCount: specification.instanceCount,
      VolumeSizeInGB: specification.volumeGb,
    },
    StoppingCondition: { MaxRuntimeInSeconds: specification.maxRuntimeSeconds },
    Environment: { [SPECIFICATION_HASH]: specificationHash(specification) },
    Tags: Object.entries({ 'meridian:model': specification.model, ...tags }).map(([Key, Value]) => ({
      Key,
      Value,
    })),
  };
}

const channel = (name: string, uri: string): Channel => ({
  ChannelName: name,
  DataSource: {
    S3DataSource: { S3DataType: 'S3Prefix', S3Uri: uri, S3DataDistributionType: 'FullyReplicated' },
  },
});
