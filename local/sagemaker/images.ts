import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { ClientError } from './container/channels';

/**
 * The virtual environment that stands for a job's image: `…/meridian-training-<runtime>:<tag>` runs in the one that
 * MERIDIAN_VENV_<RUNTIME> names.
 */
export function venvOf(request: CreateTrainingJobRequest, env: NodeJS.ProcessEnv): string {
  const image = request.AlgorithmSpecification?.TrainingImage ?? '';
  const runtime = /(?:^|\/)meridian-training-([a-z0-9-]+)(?:[:@]|$)/.exec(image)?.[1];
  const variable = `MERIDIAN_VENV_${(runtime ?? '').toUpperCase().replaceAll('-', '_')}`;
  const venv = runtime && env[variable];
  if (!venv) {
    throw new ClientError(
      `Cannot find the training image ${image}: locally an image …/meridian-training-<runtime>:<tag> stands for the ` +
        `virtual environment in MERIDIAN_VENV_<RUNTIME>${runtime ? `, and ${variable} is not set` : ''}.`,
    );
  }
  return venv;
}
