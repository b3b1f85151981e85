import type {
  CreateHyperParameterTuningJobRequest,
  CreateTrainingJobRequest,
  HyperParameterScalingType,
  HyperParameterTrainingJobDefinition,
  HyperParameterTuningJobConfig,
  ParameterRanges,
} from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { specificationHash } from '../../../contracts/job-name';
import type { Search, TuningSpecification } from '../../../contracts/tuning';
import type { Config } from '../../../platform/config';
import type { ObjectStore } from '../../../platform/s3';
import { createRequest, SPECIFICATION_HASH } from '../request';

/** SageMaker's limit for trials; a training job may have more. */
const MOST_VARIABLES = 48;

export interface TuningJobRequest {
  jobName: string;
  specification: TuningSpecification;
  tags?: Record<string, string>;
}

/** The specification as SageMaker reads it: a trial is the training job of the same specification, with what is searched. */
export function createTuningRequest(
  { jobName, specification, tags }: TuningJobRequest,
  config: Config['sagemaker'],
  store: Pick<ObjectStore, 'uri'>,
): CreateHyperParameterTuningJobRequest {
  const { training, search } = specification;
  const job = createRequest({ jobName, specification: training, tags }, config, store);
  return {
    HyperParameterTuningJobName: jobName,
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
  const Environment = { ...job.Environment, [SPECIFICATION_HASH]: specificationHash(specification) };
  const variables = Object.keys(Environment).length;
  if (variables > MOST_VARIABLES) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `tuning ${specification.training.model}: found ${variables} environment variables, expected at most ${MOST_VARIABLES}: ` +
        'SageMaker gives a trial no more. Declare fewer, or train without tuning.',
    );
  }
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
    Environment,
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
    range.type === 'categorical'
      ? [{ Name, Values: range.values.map((value) => JSON.stringify(value)) }]
      : [],
  );
  return {
    ContinuousParameterRanges: numeric('continuous'),
    IntegerParameterRanges: numeric('integer'),
    CategoricalParameterRanges: categorical,
  };
}
