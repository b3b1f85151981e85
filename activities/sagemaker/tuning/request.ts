import type {
  CreateHyperParameterTuningJobRequest,
  CreateTrainingJobRequest,
  HyperParameterScalingType,
  HyperParameterTrainingJobDefinition,
  HyperParameterTuningJobConfig,
  ParameterRanges,
} from '@aws-sdk/client-sagemaker';
import { hyperparameterText } from '../../../contracts/hyperparameter';
import { specificationHash } from '../../../contracts/job-name';
import type { Search, TuningSpecification } from '../../../contracts/tuning';
import type { Config } from '../../../platform/config';
import type { ObjectStore } from '../../../platform/s3';
import { createRequest, SPECIFICATION_HASH, type TrainingJobRequest } from '../request';

export interface TuningJobRequest extends Omit<TrainingJobRequest, 'specification'> {
  specification: TuningSpecification;
}

/** The specification as SageMaker reads it: a trial is the training job of the same specification, with what is searched. */
export function createTuningRequest(
  { specification, ...rest }: TuningJobRequest,
  config: Config['sagemaker'],
  store: Pick<ObjectStore, 'uri'>,
): CreateHyperParameterTuningJobRequest {
  const { training, search } = specification;
  const job = createRequest({ ...rest, specification: training }, config, store);
  return {
    HyperParameterTuningJobName: rest.jobName,
    HyperParameterTuningJobConfig: configOf(search),
    TrainingJobDefinition: definitionOf(job, specification),
    Tags: job.Tags,
  };
}

function definitionOf(
  job: CreateTrainingJobRequest,
  specification: TuningSpecification,
): HyperParameterTrainingJobDefinition {
  const { TrainingImage, TrainingInputMode, MetricDefinitions } = job.AlgorithmSpecification!;
  return {
    StaticHyperParameters: job.HyperParameters,
    AlgorithmSpecification: { TrainingImage, TrainingInputMode: TrainingInputMode!, MetricDefinitions },
    RoleArn: job.RoleArn!,
    InputDataConfig: job.InputDataConfig,
    VpcConfig: job.VpcConfig,
    OutputDataConfig: job.OutputDataConfig!,
    ResourceConfig: job.ResourceConfig,
    StoppingCondition: job.StoppingCondition!,
    EnableNetworkIsolation: job.EnableNetworkIsolation,
    EnableInterContainerTrafficEncryption: job.EnableInterContainerTrafficEncryption,
    EnableManagedSpotTraining: job.EnableManagedSpotTraining,
    CheckpointConfig: job.CheckpointConfig,
    RetryStrategy: job.RetryStrategy,
    Environment: { ...job.Environment, [SPECIFICATION_HASH]: specificationHash(specification) },
  };
}

function configOf(search: Search): HyperParameterTuningJobConfig {
  const { strategy, objective, epochs, earlyStopping, maxJobs, maxParallelJobs } = search;
  return {
    Strategy: strategy,
    ...(epochs && {
      StrategyConfig: { HyperbandStrategyConfig: { MinResource: epochs.min, MaxResource: epochs.max } },
    }),
    HyperParameterTuningJobObjective: {
      Type: objective.goal === 'minimize' ? 'Minimize' : 'Maximize',
      MetricName: objective.metric,
    },
    ResourceLimits: {
      // Grid counts for itself.
      ...(strategy !== 'Grid' && { MaxNumberOfTrainingJobs: maxJobs }),
      MaxParallelTrainingJobs: maxParallelJobs,
      ...(search.maxRuntimeSeconds !== null && { MaxRuntimeInSeconds: search.maxRuntimeSeconds }),
    },
    ParameterRanges: rangesOf(search.ranges),
    TrainingJobEarlyStoppingType: earlyStopping ? 'Auto' : 'Off',
    ...(search.seed !== null && { RandomSeed: search.seed }),
  };
}

const SCALES: Record<string, HyperParameterScalingType> = {
  auto: 'Auto',
  linear: 'Linear',
  logarithmic: 'Logarithmic',
  'reverse-logarithmic': 'ReverseLogarithmic',
};

function rangesOf(ranges: Search['ranges']): ParameterRanges {
  const entries = Object.entries(ranges);
  const numeric = (type: 'continuous' | 'integer') =>
    entries.flatMap(([Name, range]) =>
      range.type === type
        ? [
            {
              Name,
              MinValue: String(range.min),
              MaxValue: String(range.max),
              ScalingType: SCALES[range.scale ?? 'auto'],
            },
          ]
        : [],
    );
  // Values as the training toolkit reads every hyperparameter: as JSON.
  const categorical = entries.flatMap(([Name, range]) =>
    range.type === 'categorical' ? [{ Name, Values: range.values.map(hyperparameterText) }] : [],
  );
  return {
    ContinuousParameterRanges: numeric('continuous'),
    IntegerParameterRanges: numeric('integer'),
    CategoricalParameterRanges: categorical,
  };
}
