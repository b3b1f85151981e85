import { join } from 'node:path';
import { CAPTURE_STREAM } from '../../contracts/capture';
import { projectRoot } from '../../platform/project-root';
import { freePort, ServerProcess } from '../../tests/support/servers';
import type { Scene } from './scene';
import { findPeers } from './tools';

/** A server under measurement. */
export interface Side {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Where it answers, if not where the others do. */
  path?: string;
  stop(): Promise<unknown>;
  /** Called before each measurement. */
  prepare?(): Promise<unknown>;
}

/** How a side is started. */
export type StartSide = (scene: Scene) => Promise<Side>;

/**
 * An inference worker with all that it does: validation, routing, capture, metrics, its part in the task queue. Captures
 * go to Redis; what a drainer would have taken since the last measurement is taken away, lest a full stream spare the
 * worker its work.
 */
export const ours: StartSide = async ({ rig, profile }) => {
  const worker = await rig.start('inference', profile ? profiled(profile) : {});
  return { url: worker.url, stop: () => worker.stop(), prepare: () => rig.redis.del(CAPTURE_STREAM) };
};

const profiled = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${join(__dirname, 'profiler.js')}`,
  MERIDIAN_PROFILE_DIR: folder,
});

/** The same session behind node:http. */
export const bareNode: StartSide = ({ churn, folder }) =>
  start(folder, 'bare-node', (port) => [
    process.execPath,
    join(__dirname, 'peers', 'bare-node.js'),
    join(churn.folder, 'model.onnx'),
    String(port),
  ]);

/** A FastAPI application beside this file, as uvicorn runs it fastest: uvloop, httptools, no access log. */
export const fastApi =
  (module: string, workers: number, env: (scene: Scene) => Record<string, string>): StartSide =>
  async (scene) => {
    const python = join(await findPeers(), 'bin', 'python');
    const peers = join(projectRoot(), 'benchmarks', 'scoring', 'peers');
    const options =
      `-m uvicorn ${module}:app --host 127.0.0.1 --workers ${workers} --loop uvloop --http httptools ` +
      '--no-access-log --log-level warning';
    return start(
      scene.folder,
      `${module}-${workers}`,
      (port) => [python, ...options.split(' '), '--port', String(port), '--app-dir', peers],
      { ...ONE_THREAD, ...env(scene) },
    );
  };

/** OpenMP's and BLAS's threads spin, to the harm of whoever has but two cores. */
const ONE_THREAD = { OMP_NUM_THREADS: '1' };

async function start(
  folder: string,
  name: string,
  command: (port: number) => string[],
  env: Record<string, string> = {},
): Promise<Side> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = join(folder, `${name}.log`);
  const server = await ServerProcess.start(command(port), { env, log, healthy: `${url}/healthz` });
  return { url, stop: () => server.stop() };
}
