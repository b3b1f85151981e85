import { ClientError } from './container/channels';

/**
 * The virtual environment that stands for an image: `…/meridian-training-<runtime>:<tag>` runs in the one that
 * MERIDIAN_VENV_<RUNTIME> names.
 */
export function venvOf(image: string, env: NodeJS.ProcessEnv): string {
  const runtime = /(?:^|\/)meridian-(?:training|processing|serving)-([a-z0-9-]+)(?:[:@]|$)/.exec(image)?.[1];
  const variable = `MERIDIAN_VENV_${(runtime ?? '').toUpperCase().replaceAll('-', '_')}`;
  const venv = runtime && env[variable];
  if (!venv) {
    throw new ClientError(
      `Cannot find the image ${image}: locally an image …/meridian-training-<runtime>:<tag> stands for the ` +
        `virtual environment in MERIDIAN_VENV_<RUNTIME>${runtime ? `, and ${variable} is not set` : ''}.`,
    );
  }
  return venv;
}
