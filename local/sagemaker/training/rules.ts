import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { constraintError, validationError } from '../api/errors';
import { checkTags } from '../api/tags';
import { volumeKeyProblem } from '../api/volume-key';

const MAX_RUNTIME_SECONDS = 28 * 86_400;

/** A rule between members that the service model cannot say; gives what is wrong, or null. */
type Rule = (request: CreateTrainingJobRequest) => Error | null;

const rule = (broken: (request: CreateTrainingJobRequest) => boolean | undefined, message: string): Rule => {
  return (request) => (broken(request) ? validationError(message) : null);
};

const required = (member: 'AlgorithmSpecification' | 'ResourceConfig'): Rule => {
  const path = member.charAt(0).toLowerCase() + member.slice(1);
  const text = `Value null at '${path}' failed to satisfy constraint: Member must not be null`;
  return (request) => (request[member] ? null : constraintError([text]));
};

/** What a job that runs on instances must say, though the service model leaves it open. */
function missing<T extends object>(path: string, config: T, members: (keyof T & string)[]): Error | null {
  if ('InstanceGroups' in config) return null;
  const absent = members.filter((member) => config[member] === undefined);
  const camel = (member: string) => member.charAt(0).toLowerCase() + member.slice(1);
  const texts = absent.map(
    (member) =>
      `Value null at '${path}.${camel(member)}' failed to satisfy constraint: Member must not be null`,
  );
  return texts.length > 0 ? constraintError(texts) : null;
}

const sources = (request: CreateTrainingJobRequest) =>
  (request.InputDataConfig ?? []).map((channel) => channel.DataSource?.S3DataSource);

const modes = (request: CreateTrainingJobRequest) => [
  request.AlgorithmSpecification?.TrainingInputMode,
  ...(request.InputDataConfig ?? []).map((channel) => channel.InputMode),
];

function badExpression(request: CreateTrainingJobRequest): Error | null {
  const bad = request.AlgorithmSpecification?.MetricDefinitions?.find(({ Regex }) => !isExpression(Regex!));
  return bad ? validationError(`Invalid regular expression for metric ${bad.Name}: ${bad.Regex}`) : null;
}

function isExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function isInContainer(path = '/opt/ml/checkpoints'): boolean {
  return path.startsWith('/opt/ml/') && !path.split('/').includes('..');
}

/** SageMaker's own rules first, then what an embedded service on one machine does not do. */
const RULES: Rule[] = [
  required('AlgorithmSpecification'),
  required('ResourceConfig'),
  rule(
    (r) => !r.AlgorithmSpecification!.TrainingImage === !r.AlgorithmSpecification!.AlgorithmName,
    'You must specify either AlgorithmName or TrainingImage, but not both.',
  ),
  rule((r) => {
    const names = (r.InputDataConfig ?? []).map((channel) => channel.ChannelName);
    return new Set(names).size !== names.length;
  }, 'Channel names must be unique.'),
  rule(
    (r) => r.StoppingCondition?.MaxWaitTimeInSeconds !== undefined && !r.EnableManagedSpotTraining,
    'Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true',
  ),
  rule(
    (r) =>
      r.EnableManagedSpotTraining === true &&
      (r.StoppingCondition?.MaxWaitTimeInSeconds ?? 0) < (r.StoppingCondition?.MaxRuntimeInSeconds ?? 86_400),
    'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds',
  ),
  rule(
    (r) => (r.StoppingCondition?.MaxRuntimeInSeconds ?? 0) > MAX_RUNTIME_SECONDS,
    `Invalid MaxRuntimeInSeconds. It must be less than or equal to ${MAX_RUNTIME_SECONDS}`,
  ),
  rule(
    (r) => r.EnableManagedSpotTraining === true && (r.ResourceConfig!.KeepAlivePeriodInSeconds ?? 0) > 0,
    'KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true',
  ),
  (r) => volumeKeyProblem(r.ResourceConfig!),
  rule(
    (r) => r.ResourceConfig!.InstanceGroups !== undefined && r.ResourceConfig!.InstanceType !== undefined,
    'You cannot specify both InstanceGroups and InstanceType.',
  ),
  ({ ResourceConfig }) =>
    missing('resourceConfig', ResourceConfig!, ['InstanceType', 'InstanceCount', 'VolumeSizeInGB']),
  rule((r) => r.ResourceConfig!.InstanceCount! < 1, 'InstanceCount must be greater than or equal to 1'),
  badExpression,
  rule(
    (r) => r.ServerlessJobConfig !== undefined,
    'The local service runs jobs on instances; ServerlessJobConfig is not supported.',
  ),
  rule(
    (r) => !isInContainer(r.CheckpointConfig?.LocalPath),
    'The local service keeps the folders of a container below /opt/ml; CheckpointConfig.LocalPath must lie there.',
  ),
  rule(
    (r) => !r.AlgorithmSpecification!.TrainingImage,
    'The local service runs images; AlgorithmName is not supported.',
  ),
  rule((r) => modes(r).includes('Pipe'), 'The local service has no Pipe mode; use File or FastFile.'),
  rule(
    (r) =>
      sources(r).some((source) => source?.S3DataType !== 'S3Prefix' || !source.S3Uri!.startsWith('s3://')),
    'The local service reads channels from S3DataSource with S3DataType S3Prefix and an s3:// URI only.',
  ),
  rule(
    (r) => (r.InputDataConfig ?? []).some((channel) => channel.CompressionType === 'Gzip'),
    'The local service does not decompress channels; CompressionType must be None.',
  ),
  rule(
    (r) => r.ResourceConfig!.InstanceGroups !== undefined,
    'The local service has no instance groups; use InstanceType and InstanceCount.',
  ),
  rule(
    (r) => r.OutputDataConfig!.CompressionType === 'NONE',
    'The local service writes model.tar.gz; OutputDataConfig.CompressionType must be GZIP.',
  ),
];

/** @throws ApiError for the first rule that the request breaks. */
export function checkRules(request: CreateTrainingJobRequest): void {
  checkTags(request.Tags);
  for (const check of RULES) {
    const error = check(request);
    if (error) throw error;
  }
}
