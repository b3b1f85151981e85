import type {
  CreateHyperParameterTuningJobRequest,
  CreateTrainingJobRequest,
  HyperParameterTrainingJobDefinition,
  HyperParameterTuningJobObjective,
  ParameterRanges,
  ResourceConfig,
} from '@aws-sdk/client-sagemaker';

export type TuningRequest = CreateHyperParameterTuningJobRequest;

/** Told to the program under this name; the training toolkit keeps it out of the arguments. */
const OBJECTIVE_PARAMETER = '_tuning_objective_metric';

/** One training job definition with what is searched and why, wherever the request has put those. */
export interface Definition {
  name: string | undefined;
  training: HyperParameterTrainingJobDefinition;
  objective: HyperParameterTuningJobObjective | undefined;
  ranges: ParameterRanges;
}

/** A request has one definition, with ranges and objective beside it, or several that have their own. */
export function definitionsOf(request: TuningRequest): Definition[] {
  const { HyperParameterTuningJobConfig: config, TrainingJobDefinition: one } = request;
  if (one) {
    const ranges = one.HyperParameterRanges ?? config!.ParameterRanges ?? {};
    const objective = one.TuningObjective ?? config!.HyperParameterTuningJobObjective;
    return [{ name: one.DefinitionName, training: one, objective, ranges }];
  }
  return (request.TrainingJobDefinitions ?? []).map((training) => ({
    name: training.DefinitionName,
    training,
    objective: training.TuningObjective,
    ranges: training.HyperParameterRanges ?? {},
  }));
}

/** The request by which a child is trained. */
export function childRequest(
  { training, objective }: Definition,
  name: string,
  tuned: Record<string, string>,
  tags: TuningRequest['Tags'],
): CreateTrainingJobRequest {
  const { CheckpointConfig: checkpoints } = training;
  return {
    TrainingJobName: name,
    HyperParameters: {
      ...(objective && { [OBJECTIVE_PARAMETER]: objective.MetricName! }),
      ...training.StaticHyperParameters,
      ...tuned,
    },
    AlgorithmSpecification: training.AlgorithmSpecification,
    RoleArn: training.RoleArn,
    InputDataConfig: training.InputDataConfig,
    VpcConfig: training.VpcConfig,
    OutputDataConfig: training.OutputDataConfig,
    ResourceConfig: resourcesOf(training),
    StoppingCondition: training.StoppingCondition,
    EnableNetworkIsolation: training.EnableNetworkIsolation,
    EnableInterContainerTrafficEncryption: training.EnableInterContainerTrafficEncryption,
    EnableManagedSpotTraining: training.EnableManagedSpotTraining,
    // Children run side by side: under one prefix they would take each other's checkpoints for their own.
    CheckpointConfig: checkpoints && {
      ...checkpoints,
      S3Uri: `${checkpoints.S3Uri!.replace(/\/+$/, '')}/${name}`,
    },
    RetryStrategy: training.RetryStrategy,
    Environment: training.Environment,
    Tags: tags,
  };
}

function resourcesOf(training: HyperParameterTrainingJobDefinition): ResourceConfig | undefined {
  const { ResourceConfig, HyperParameterTuningResourceConfig: own } = training;
  if (!own) return ResourceConfig;
  const [first] = own.InstanceConfigs ?? [];
  return {
    InstanceType: first?.InstanceType ?? own.InstanceType,
    InstanceCount: first?.InstanceCount ?? own.InstanceCount,
    VolumeSizeInGB: first?.VolumeSizeInGB ?? own.VolumeSizeInGB,
    VolumeKmsKeyId: own.VolumeKmsKeyId,
  };
}
