import type { Channel, CreateTrainingJobRequest, TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import { hyperparameterText } from '../../contracts/hyperparameter';
import { Key } from '../../contracts/ids';
import { hasLocalStorage } from '../../contracts/instance-types';
import { specificationHash } from '../../contracts/job-name';
import type { Market, TrainingSpecification } from '../../contracts/training';
import type { Config } from '../../platform/config';
import type { ObjectStore } from '../../platform/s3';
import { scriptMode } from './script-mode';
import { tagsOf } from './request-tags';

/** The variable in a job's Environment by which its owner is known again. */
export const SPECIFICATION_HASH = 'MERIDIAN_SPECIFICATION_HASH';
/** Tells the program the least time between two checkpoints. */
const CHECKPOINT_SECONDS = 'MERIDIAN_CHECKPOINT_SECONDS';

export interface TrainingJobRequest {
  jobName: string;
  specification: TrainingSpecification;
  /** What the instances are bought as; spot where that is declared and nothing else is said. */
  market?: Market;
  /** S3 key prefix that the attempts of a generation share; one of the job's own where none is given. */
  checkpointPrefix?: string;
  tags?: Record<string, string>;
}

/** Spot is never what was not declared. */
export const marketOf = ({ spot }: TrainingSpecification, market: Market = 'spot'): Market =>
  spot ? market : 'on-demand';

/** The specification as SageMaker reads it: script mode, hyperparameters as JSON, channels as S3 prefixes. */
export function createRequest(
  { jobName, specification, market, checkpointPrefix, tags }: TrainingJobRequest,
  config: Config['sagemaker'],
  store: Pick<ObjectStore, 'uri'>,
): CreateTrainingJobRequest {
  const { image, encryption, network, checkpoints, metrics } = specification;
  const isolated = network?.isolated ?? config.networkIsolation ?? false;
  const vpc = network?.vpc ?? config.vpc;
  const outputKey = encryption?.outputKmsKeyId ?? config.outputKmsKeyId;
  const uri = (place: string): string => (place.startsWith('s3://') ? place : store.uri(place));
  const { hyperparameters, codeChannel } = scriptMode(jobName, specification, config.region, store, isolated);
  return {
    TrainingJobName: jobName,
    RoleArn: specification.roleArn ?? config.roleArn,
    AlgorithmSpecification: {
      TrainingImage:
        specification.imageUri ?? `${config.imageRegistry}/meridian-training-${image}:${config.imageTag}`,
      TrainingInputMode: 'File',
      MetricDefinitions: metrics.map(({ name, regex }) => ({ Name: name, Regex: regex })),
    },
    HyperParameters: Object.fromEntries(
      Object.entries(hyperparameters).map(([key, value]) => [key, hyperparameterText(value)]),
    ),
    InputDataConfig: Object.entries({ ...specification.channels, ...codeChannel }).map(([name, place]) =>
      channel(name, uri(place)),
    ),
    OutputDataConfig: {
      S3OutputPath: store.uri(Key.trainingOutput),
      ...(outputKey && { KmsKeyId: outputKey }),
    },
    ResourceConfig: resources(specification, config),
    ...stopping(specification, marketOf(specification, market)),
    ...(vpc && { VpcConfig: { Subnets: vpc.subnets, SecurityGroupIds: vpc.securityGroupIds } }),
    EnableNetworkIsolation: isolated,
    EnableInterContainerTrafficEncryption: encryption?.betweenInstances ?? config.encryptTraffic ?? false,
    ...(checkpoints && {
      CheckpointConfig: {
        S3Uri: store.uri(checkpointPrefix ?? Key.checkpoints(specification.model, jobName, 1)),
      },
    }),
    ...(specification.retryAttempts && {
      RetryStrategy: { MaximumRetryAttempts: specification.retryAttempts },
    }),
    Environment: {
      [SPECIFICATION_HASH]: specificationHash(specification),
      ...(checkpoints && { [CHECKPOINT_SECONDS]: String(checkpoints.everySeconds) }),
    },
    Tags: tagsOf(specification, config, tags),
  };
}

function resources(
  { instanceType, instanceCount, volumeGb, encryption, keepAliveSeconds }: TrainingSpecification,
  config: Config['sagemaker'],
): CreateTrainingJobRequest['ResourceConfig'] {
  // SageMaker refuses a key where the disks are the instance's own: these are encrypted by its hardware.
  const byDefault = hasLocalStorage(instanceType) ? undefined : config.volumeKmsKeyId;
  const volumeKey = encryption?.volumeKmsKeyId ?? byDefault;
  return {
    InstanceType: instanceType as TrainingInstanceType,
    InstanceCount: instanceCount,
    VolumeSizeInGB: volumeGb,
    ...(volumeKey && { VolumeKmsKeyId: volumeKey }),
    ...(keepAliveSeconds && { KeepAlivePeriodInSeconds: keepAliveSeconds }),
  };
}

function stopping(
  { maxRuntimeSeconds, spot }: TrainingSpecification,
  market: Market,
): Pick<CreateTrainingJobRequest, 'StoppingCondition' | 'EnableManagedSpotTraining'> {
  if (!spot || market === 'on-demand')
    return {
      StoppingCondition: { MaxRuntimeInSeconds: maxRuntimeSeconds },
      EnableManagedSpotTraining: false,
    };
  return {
    StoppingCondition: { MaxRuntimeInSeconds: maxRuntimeSeconds, MaxWaitTimeInSeconds: spot.maxWaitSeconds },
    EnableManagedSpotTraining: true,
  };
}

const channel = (name: string, uri: string): Channel => ({
  ChannelName: name,
  DataSource: {
    S3DataSource: { S3DataType: 'S3Prefix', S3Uri: uri, S3DataDistributionType: 'FullyReplicated' },
  },
});
