import { ApiError, constraintError, validationError } from '../api/errors';
import { checkTags } from '../api/tags';
import { checkRules } from '../training/rules';
import { childRequest, definitionsOf, type Definition, type TuningRequest } from './definition';
import { checkRanges } from './range-rules';
import { combinations, spaceOf } from './space';

/** AWS's default quotas. */
const MOST_PARALLEL = 10;
const MOST_CHILDREN = 750;
const MOST_RANDOM_CHILDREN = 10_000;
const MOST_HYPERPARAMETERS = 100;

/** Where Hyperband looks for the epochs of a job that are not said. */
const EPOCH_PARAMETERS = ['epochs', 'numepochs', 'n-epochs', 'n_epochs', 'num_epochs'];

/** @throws ApiError for the first rule that the request breaks */
export function checkTuningRules(request: TuningRequest): void {
  checkTags(request.Tags);
  const { TrainingJobDefinition: one, TrainingJobDefinitions: several, Autotune } = request;
  if (!one === !several) {
    throw validationError(
      'You must provide either TrainingJobDefinition or TrainingJobDefinitions, but not both.',
    );
  }
  if (Autotune) throw validationError('The local service has no Autotune; give the ranges.');
  const { TuningJobCompletionCriteria: criteria } = request.HyperParameterTuningJobConfig!;
  if (criteria?.ConvergenceDetected?.CompleteOnConvergence === 'Enabled') {
    throw validationError('The local service does not detect convergence; use another completion criterion.');
  }
  checkLimits(request);
  checkStrategy(request);
  const definitions = definitionsOf(request);
  if (several) checkNames(definitions);
  for (const definition of definitions) checkDefinition(request, definition);
  checkCombinations(request, definitions);
}

function checkLimits({ HyperParameterTuningJobConfig: config }: TuningRequest): void {
  const {
    MaxNumberOfTrainingJobs: most,
    MaxParallelTrainingJobs: parallel,
    MaxRuntimeInSeconds,
  } = config!.ResourceLimits!;
  const { Strategy, TuningJobCompletionCriteria: criteria } = config!;
  if (most === undefined && Strategy !== 'Grid' && MaxRuntimeInSeconds === undefined && !criteria) {
    throw constraintError([
      "Value null at 'hyperParameterTuningJobConfig.resourceLimits.maxNumberOfTrainingJobs' failed to satisfy constraint: Member must not be null",
    ]);
  }
  if (most !== undefined && parallel! > most) {
    throw validationError(
      `MaxParallelTrainingJobs [${parallel}] must be less than or equal to MaxNumberOfTrainingJobs [${most}].`,
    );
  }
  checkQuota('parallel training jobs per hyperparameter tuning job', parallel!, MOST_PARALLEL);
  const children = Strategy === 'Random' ? MOST_RANDOM_CHILDREN : MOST_CHILDREN;
  checkQuota('training jobs per hyperparameter tuning job', most ?? 0, children);
}

function checkQuota(what: string, asked: number, limit: number): void {
  if (asked <= limit) return;
  throw new ApiError(
    'ResourceLimitExceeded',
    `The account-level service limit 'Maximum number of ${what}' is ${limit}, with a request of ${asked}. Please use AWS ` +
      'Service Quotas to request an increase for this quota.',
  );
}

function checkStrategy({ HyperParameterTuningJobConfig: config }: TuningRequest): void {
  const { Strategy, StrategyConfig, TrainingJobEarlyStoppingType } = config!;
  if (Strategy !== 'Hyperband' && StrategyConfig) {
    throw validationError('StrategyConfig can be provided only if Hyperband is selected as the strategy.');
  }
  if (Strategy !== 'Hyperband') return;
  if (TrainingJobEarlyStoppingType === 'Auto') {
    throw validationError('TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy.');
  }
  const { MinResource, MaxResource } = StrategyConfig?.HyperbandStrategyConfig ?? {};
  if (MinResource !== undefined && MaxResource !== undefined && MinResource >= MaxResource) {
    throw validationError(`MinResource [${MinResource}] must be less than MaxResource [${MaxResource}].`);
  }
}

function checkNames(definitions: Definition[]): void {
  const names = definitions.map(({ name }) => name);
  if (names.includes(undefined) || new Set(names).size < names.length) {
    throw validationError('Each of TrainingJobDefinitions must have a DefinitionName of its own.');
  }
}

function checkDefinition(request: TuningRequest, definition: Definition): void {
  const { training, objective, ranges } = definition;
  const metrics = training.AlgorithmSpecification!.MetricDefinitions ?? [];
  if (!objective || !metrics.some(({ Name }) => Name === objective.MetricName)) {
    throw validationError(
      'A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions.',
    );
  }
  checkRanges(ranges, Object.keys(training.StaticHyperParameters ?? {}));
  const parameters = Object.keys(training.StaticHyperParameters ?? {}).length + spaceOf(ranges).length + 1;
  if (parameters > MOST_HYPERPARAMETERS) {
    throw validationError(
      `The number of static and tuned hyperparameters [${parameters}] must not exceed ${MOST_HYPERPARAMETERS}.`,
    );
  }
  if (request.HyperParameterTuningJobConfig!.Strategy === 'Hyperband') hyperbandResource(request, definition);
  checkRules(childRequest(definition, 'child', {}, request.Tags));
}

/**
 * The epochs between which Hyperband stops jobs.
 * @throws ApiError where nothing says how many epochs a job has
 */
export function hyperbandResource(
  { HyperParameterTuningJobConfig: config }: TuningRequest,
  { training }: Definition,
): { min: number; max: number } {
  const { MinResource, MaxResource } = config!.StrategyConfig?.HyperbandStrategyConfig ?? {};
  const fixed = training.StaticHyperParameters ?? {};
  const inferred = EPOCH_PARAMETERS.map((name) => Number(fixed[name])).find((epochs) => epochs >= 1);
  const max = MaxResource ?? inferred;
  if (max === undefined) {
    throw validationError(
      `MaxResource is required by the Hyperband strategy: it is not given, nor is there one of [${EPOCH_PARAMETERS.join(', ')}] in StaticHyperParameters.`,
    );
  }
  return { min: Math.min(MinResource ?? 1, max), max };
}

function checkCombinations(request: TuningRequest, definitions: Definition[]): void {
  const { Strategy, ResourceLimits } = request.HyperParameterTuningJobConfig!;
  const most = ResourceLimits!.MaxNumberOfTrainingJobs;
  const total = definitions.reduce((sum, { ranges }) => sum + combinations(spaceOf(ranges)), 0);
  if (Strategy === 'Grid') {
    if (!definitions.every(({ ranges }) => spaceOf(ranges).every(({ kind }) => kind === 'categorical'))) {
      throw validationError('The Grid strategy supports only categorical parameter ranges.');
    }
    if (most !== undefined && most !== total) {
      throw validationError(
        `For the Grid strategy MaxNumberOfTrainingJobs [${most}] must be equal to the number of combinations [${total}], or absent.`,
      );
    }
  } else if (total < (most ?? 0)) {
    throw validationError(
      `You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for the provided ranges [${total.toFixed(1)}] must be equal or greater than the value of MaxNumberOfJobs, [${most}]. Provide additional ranges.`,
    );
  }
}
