import { join } from 'node:path';
import { answersHttp, fileIsThere } from '../checks';
import type { Part, PartContext, PartName, PortName } from '../part';

const script = (root: string, ...path: string[]) => ({
  file: process.execPath,
  args: ['--enable-source-maps', join(root, 'dist', ...path)],
});

const healthAt =
  (port: PortName, path: string) =>
  ({ ports }: PartContext): Promise<void> =>
    answersHttp(`http://127.0.0.1:${ports[port]}${path}`);

/** SageMaker's API on this machine: runs each job's own program as a process. */
export const sagemaker: Part = {
  name: 'sagemaker',
  ports: ['sagemaker'],
  needs: [],
  command: ({ root, home, ports, tools }) => ({
    ...script(root, 'local', 'sagemaker', 'main.js'),
    env: {
      MERIDIAN_SAGEMAKER_PORT: String(ports.sagemaker),
      MERIDIAN_SAGEMAKER_HOME: join(home, 'sagemaker'),
      MERIDIAN_SAGEMAKER_EVENTS_URL: `http://127.0.0.1:${ports.gateway}/v1/events/sagemaker`,
      MERIDIAN_VENV_XGBOOST: tools.xgboost,
      MERIDIAN_VENV_TUNER: tools.tuner,
    },
  }),
  check: healthAt('sagemaker', '/_local/healthz'),
};

/** What Slack and Datadog would receive, shown. */
export const sinks: Part = {
  name: 'sinks',
  ports: ['sinks'],
  needs: [],
  command: ({ root, ports }) => ({
    ...script(root, 'local', 'sinks', 'main.js'),
    env: { MERIDIAN_SINKS_PORT: String(ports.sinks) },
  }),
  check: healthAt('sinks', '/healthz'),
};

const worker = (name: PartName, needs: PartName[], rest: Pick<Part, 'ports' | 'check'>): Part => ({
  name,
  needs,
  command: ({ root, readyFile }) => ({
    ...script(root, 'workers', `${name}.js`),
    env: { MERIDIAN_READY_FILE: readyFile },
  }),
  ...rest,
});

const polls: Pick<Part, 'ports' | 'check'> = {
  ports: [],
  check: ({ readyFile }) => fileIsThere(readyFile),
};

export const pipelines = worker('pipelines', ['temporal', 's3'], polls);
export const data = worker('data', ['temporal', 's3'], polls);
export const inference = worker('inference', ['temporal', 's3', 'redis'], {
  ports: ['inference', 'inferenceGrpc'],
  async check(context) {
    await healthAt('inference', '/healthz')(context);
    await polls.check(context);
  },
});
export const gateway = worker('gateway', ['temporal', 's3', 'redis'], {
  ports: ['gateway'],
  check: healthAt('gateway', '/healthz'),
});
