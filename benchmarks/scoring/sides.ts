import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CAPTURE_STREAM } from '../../contracts/capture';
import { projectRoot } from '../../platform/project-root';
import type { Running } from '../../tests/scoring/rig';
import { freePort, ServerProcess } from '../../tests/support/servers';
import { FEATURE_NAMES } from '../features/data';
import { openInference, ourDialect, type Ask, type Dialect } from './dialect';
import type { LoadRequest } from './load/load';
import type { Scene } from './scene';
import { findPeers } from './tools';

/** A server under measurement. */
export interface Side {
  /** `http://127.0.0.1:<port>` */
  url: string;
  dialect: Dialect;
  stop(): Promise<unknown>;
  /** Called before each measurement. */
  prepare?(): Promise<unknown>;
}

/** How a side is started. */
export type StartSide = (scene: Scene) => Promise<Side>;

/** The requests that put questions to a side; those that its dialect cannot say are left out. */
export const requestsOf = (
  { url, dialect }: Side,
  asks: readonly Ask[],
): Pick<LoadRequest, 'url' | 'bodies'> => ({
  url: url + dialect.path,
  bodies: asks.flatMap((ask) => {
    const body = dialect.body(ask);
    return body === undefined ? [] : [JSON.stringify(body)];
  }),
});

/** One of ours; its process may be looked into, and killed. */
export interface OurSide extends Side {
  worker: Running;
}

/**
 * An inference worker with all that it does: validation, routing, capture, metrics, its part in the task queue. Captures
 * go to Redis; what a drainer would have taken since the last measurement is taken away, lest a full stream spare the
 * worker its work.
 */
export const ours =
  (model: string) =>
  async ({ rig, profile }: Scene): Promise<OurSide> => {
    const worker = await rig.start('inference', profile ? profiled(profile) : {});
    return {
      worker,
      url: worker.url,
      dialect: ourDialect(model),
      stop: () => worker.stop(),
      prepare: () => rig.redis.del(CAPTURE_STREAM),
    };
  };

const profiled = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${join(__dirname, 'profiler.js')}`,
  MERIDIAN_PROFILE_DIR: folder,
});

const PEERS = join(projectRoot(), 'benchmarks', 'scoring', 'peers');

/** The same session behind node:http. */
export const bareNode: StartSide = ({ churn, folder }) =>
  start({
    name: 'bare-node',
    folder,
    command: (port) => [
      process.execPath,
      join(__dirname, 'peers', 'bare-node.js'),
      join(churn.folder, 'model.onnx'),
      String(port),
    ],
  });

/** A FastAPI application beside this file, as uvicorn runs it fastest: uvloop, httptools, no access log. */
export const fastApi =
  (
    module: string,
    workers: number,
    env: (scene: Scene) => Record<string, string>,
    model = 'churn',
  ): StartSide =>
  async (scene) => {
    const python = join(await findPeers('peers'), 'python');
    const options =
      `-m uvicorn ${module}:app --host 127.0.0.1 --workers ${workers} --loop uvloop --http httptools ` +
      '--no-access-log --log-level warning';
    return start({
      name: `${module}-${workers}`,
      folder: scene.folder,
      command: (port) => [python, ...options.split(' '), '--port', String(port), '--app-dir', PEERS],
      env: env(scene),
      dialect: ourDialect(model),
    });
  };

/** BentoML with the service beside this file. */
export const bentoMl =
  (workers: number): StartSide =>
  async ({ folder, churn }) => {
    const bin = await findPeers('peers');
    const options = `serve churn_bentoml:Churn --host 127.0.0.1 --working-dir`;
    return start({
      name: `bentoml-${workers}`,
      folder,
      command: (port) => [join(bin, 'bentoml'), ...options.split(' '), PEERS, '--port', String(port)],
      env: {
        PATH: `${bin}:${process.env['PATH']}`,
        MODEL: join(churn.folder, 'model.ubj'),
        WORKERS: String(workers),
        DO_NOT_TRACK: '1',
      },
    });
  };

/** MLServer with its own runtime of XGBoost, in one process: workers beside it only add a hop. */
export const mlServer: StartSide = async ({ folder, churn }) => {
  const bin = await findPeers('mlserver');
  const home = join(folder, 'mlserver');
  await mkdir(home);
  await cp(join(churn.folder, 'model.ubj'), join(home, 'model.ubj'));
  const model = { name: 'churn', implementation: 'mlserver_xgboost.XGBoostModel' };
  const parameters = { uri: './model.ubj', version: 'v1' };
  await writeFile(join(home, 'model-settings.json'), JSON.stringify({ ...model, parameters }));
  const [grpc, metrics] = [await freePort(), await freePort()];
  return start({
    name: 'mlserver',
    folder,
    command: () => [join(bin, 'mlserver'), 'start', home],
    env: (port) => ({
      PATH: `${bin}:${process.env['PATH']}`,
      MLSERVER_HOST: '127.0.0.1',
      MLSERVER_HTTP_PORT: String(port),
      MLSERVER_GRPC_PORT: String(grpc),
      MLSERVER_METRICS_PORT: String(metrics),
      MLSERVER_PARALLEL_WORKERS: '0',
      MLSERVER_DEBUG: 'false',
    }),
    dialect: openInference('churn', FEATURE_NAMES),
    healthy: '/v2/health/ready',
  });
};

interface Server {
  name: string;
  /** For its log. */
  folder: string;
  command: (port: number) => string[];
  env?: Record<string, string> | ((port: number) => Record<string, string>);
  dialect?: Dialect;
  healthy?: string;
}

/** OpenMP's and BLAS's threads spin, to the harm of whoever has but two cores. */
const ONE_THREAD = { OMP_NUM_THREADS: '1' };

async function start({
  name,
  folder,
  command,
  env = {},
  dialect = ourDialect('churn'),
  healthy = '/healthz',
}: Server): Promise<Side> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await ServerProcess.start(command(port), {
    env: { ...ONE_THREAD, ...(typeof env === 'function' ? env(port) : env) },
    log: join(folder, `${name}.log`),
    healthy: url + healthy,
  });
  return { url, dialect, stop: () => server.stop() };
}
