import { provideRuntime, type OnLine } from '../runtimes';
import { ClientError } from './container/channels';

/**
 * The virtual environment that stands for an image: `…/meridian-training-<runtime>:<tag>` runs in the one that
 * MERIDIAN_VENV_<RUNTIME> names, else in the one that the project's own installer makes of that runtime, now if need be.
 * @throws ClientError where there is none, or it cannot be installed
 */
export async function pullImage(image: string, env: NodeJS.ProcessEnv, onLine: OnLine): Promise<string> {
  const { runtime, variable } = named(image);
  if (!runtime || env[variable]) return venvOf(image, env);
  try {
    return (await provideRuntime(runtime, onLine)) ?? venvOf(image, env);
  } catch (error) {
    if (error instanceof ClientError) throw error;
    throw new ClientError(
      `Cannot install the runtime ${runtime} that stands for the image ${image}: ${(error as Error).message}`,
    );
  }
}

/** The virtual environment that MERIDIAN_VENV_<RUNTIME> names. @throws ClientError where it names none */
export function venvOf(image: string, env: NodeJS.ProcessEnv): string {
  const { runtime, variable } = named(image);
  const venv = runtime && env[variable];
  if (!venv) {
    throw new ClientError(
      `Cannot find the image ${image}: locally an image …/meridian-training-<runtime>:<tag> stands for the ` +
        `virtual environment in MERIDIAN_VENV_<RUNTIME>${runtime ? `, and ${variable} is not set` : ''}.`,
    );
  }
  return venv;
}

function named(image: string): { runtime: string | undefined; variable: string } {
  const runtime = /(?:^|\/)meridian-(?:training|processing|serving)-([a-z0-9-]+)(?:[:@]|$)/.exec(image)?.[1];
  return { runtime, variable: `MERIDIAN_VENV_${(runtime ?? '').toUpperCase().replaceAll('-', '_')}` };
}
