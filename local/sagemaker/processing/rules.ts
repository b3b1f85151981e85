import type {
  CreateProcessingJobRequest,
  ProcessingInput,
  ProcessingOutput,
} from '@aws-sdk/client-sagemaker';
import { constraintError, validationError } from '../api/errors';
import { checkTags } from '../api/tags';
import { volumeKeyProblem } from '../api/volume-key';

const ROOT = '/opt/ml/processing/';

/** @throws ApiError for the first rule that the request breaks; SageMaker's own first, then the local service's */
export function checkProcessingRules(request: CreateProcessingJobRequest): void {
  checkTags(request.Tags);
  const { ProcessingInputs: inputs = [], ProcessingOutputConfig, AppSpecification } = request;
  const outputs = ProcessingOutputConfig?.Outputs ?? [];
  requireInstances(request);
  const keyProblem = volumeKeyProblem(request.ProcessingResources!.ClusterConfig!);
  if (keyProblem) throw keyProblem;
  requireUnique(
    'Input',
    inputs.map(({ InputName }) => InputName!),
  );
  requireUnique(
    'Output',
    outputs.map(({ OutputName }) => OutputName!),
  );
  for (const input of inputs) checkInput(input);
  for (const output of outputs) checkOutput(output);
  const paths = [
    ...inputs.map(({ S3Input }) => S3Input!.LocalPath!),
    ...outputs.map(({ S3Output }) => S3Output!.LocalPath!),
  ];
  requireUnique('LocalPath', paths);
  if (!AppSpecification!.ContainerEntrypoint) {
    throw validationError(
      'The local service has no images, so it knows no entry point of theirs; AppSpecification.ContainerEntrypoint must be given.',
    );
  }
}

function requireInstances({ ProcessingResources }: CreateProcessingJobRequest): void {
  const cluster = ProcessingResources!.ClusterConfig!;
  const absent = (['InstanceCount', 'InstanceType'] as const).filter(
    (member) => cluster[member] === undefined,
  );
  if (absent.length === 0) return;
  const path = (member: string) => member.charAt(0).toLowerCase() + member.slice(1);
  throw constraintError(
    absent.map(
      (member) =>
        `Value null at 'processingResources.clusterConfig.${path(member)}' failed to satisfy constraint: Member must not be null`,
    ),
  );
}

function requireUnique(what: string, names: string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw validationError(`${what} names must be unique: ${twice} is given more than once.`);
}

function checkInput({ InputName, S3Input, DatasetDefinition }: ProcessingInput): void {
  const where = `ProcessingInput ${InputName}`;
  if (!S3Input || DatasetDefinition) {
    throw validationError(`${where}: the local service reads S3Input only.`);
  }
  const { LocalPath, S3DataType, S3InputMode, S3CompressionType, S3Uri } = S3Input;
  checkPath(where, LocalPath);
  if (S3DataType !== 'S3Prefix' || S3InputMode === 'Pipe' || S3CompressionType === 'Gzip') {
    throw validationError(
      `${where}: the local service reads S3DataType S3Prefix in File mode, uncompressed.`,
    );
  }
  if (!S3Uri!.startsWith('s3://'))
    throw validationError(`${where}: the local service reads s3:// URIs only.`);
}

function checkOutput({ OutputName, S3Output, FeatureStoreOutput }: ProcessingOutput): void {
  const where = `ProcessingOutput ${OutputName}`;
  if (!S3Output || FeatureStoreOutput) {
    throw validationError(`${where}: the local service writes S3Output only.`);
  }
  checkPath(where, S3Output.LocalPath);
}

function checkPath(where: string, path: string | undefined): void {
  const inside = path?.startsWith(ROOT) && !path.split('/').includes('..');
  if (inside) return;
  throw validationError(
    `${where}: LocalPath must be an absolute path under ${ROOT}, found ${path ?? 'none'}.`,
  );
}
