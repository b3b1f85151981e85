import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../container/channels';
import { streamFile } from '../container/log';
import { freePort } from '../container/port';
import { containerEnvironment } from '../container/program';
import { startPrograms, type RunningProgram } from '../container/running';
import { venvOf } from '../images';
import type { Transform } from './supervise';

const READY_WITHIN_MS = 120_000;
const PING_TIMEOUT_MS = 2000;
const LOOK_EVERY_MS = 100;

/** A container that serves a model. */
export interface ModelServer {
  running: RunningProgram;
  url: string;
}

/**
 * Starts the image's `serve`: the program of that name in the environment that stands for the image. Containers listen on
 * port 8080; here it is another, told by SAGEMAKER_BIND_TO_PORT as for the containers of an inference pipeline.
 */
export async function startServer({ record, folder, env }: Transform, base: string): Promise<ModelServer> {
  const { request } = record;
  const { Image, Environment } = request.container;
  const venv = venvOf(Image!, env);
  const serve = join(venv, 'bin', 'serve');
  if (!existsSync(serve)) {
    throw new ClientError(
      `The image ${Image} has no program \`serve\`: locally ${serve} stands for it, and does not exist. Only images that ` +
        'serve over HTTP can transform.',
    );
  }
  const port = await freePort();
  const program = {
    command: [serve],
    cwd: base,
    env: {
      ...containerEnvironment(record, base, venv, env),
      SAGEMAKER_BIND_TO_PORT: String(port),
      SAGEMAKER_BATCH: 'true',
      SAGEMAKER_MAX_PAYLOAD_IN_MB: String(request.MaxPayloadInMB ?? 6),
      SAGEMAKER_BATCH_STRATEGY: request.BatchStrategy ?? 'MultiRecord',
      SAGEMAKER_MAX_CONCURRENT_TRANSFORMS: String(request.MaxConcurrentTransforms ?? 1),
      ...Environment,
      ...request.Environment,
    },
  };
  const log = streamFile(folder.logs, 'algo-1', Date.now());
  const [running] = await startPrograms([{ program, base, log }], folder);
  return { running: running!, url: `http://127.0.0.1:${port}` };
}

/** @throws ClientError where the server ends, or does not answer in time */
export async function untilReady({ running, url }: ModelServer, signal: AbortSignal): Promise<void> {
  let ended = false;
  void running.ended.then(() => (ended = true));
  for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until;) {
    if (ended) break;
    const answer = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(PING_TIMEOUT_MS) }).catch(
      () => null,
    );
    if (answer?.ok) return;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  throw new ClientError('Model container failed to respond to ping within the time it has; see its log.');
}
