/**
 * The local SageMaker. Environment: MERIDIAN_SAGEMAKER_PORT and MERIDIAN_SAGEMAKER_HOME (all state), S3's address and
 * credentials as every AWS client reads them, MERIDIAN_VENV_<RUNTIME> for the image `…/meridian-training-<runtime>:<tag>`,
 * MERIDIAN_VENV_TUNER for the search of tuning jobs, MERIDIAN_SAGEMAKER_EVENTS_URL (who is told of state changes), and
 * MERIDIAN_SAGEMAKER_STOP_GRACE_SECONDS (120). Ending it, however, leaves its jobs running.
 */
import { resolve } from 'node:path';
import { createLog } from '../../platform/log';
import { createSagemakerServer } from './server';
import { SagemakerService } from './service';
import { createStorage } from './storage';

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const log = createLog('sagemaker');
  const required = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`The environment variable ${name} is not set.`);
    return value;
  };
  const port = Number(required('MERIDIAN_SAGEMAKER_PORT'));
  const service = await SagemakerService.open({
    home: resolve(required('MERIDIAN_SAGEMAKER_HOME')),
    region: env['AWS_REGION'] ?? 'us-west-2',
    account: '000000000000',
    storage: createStorage(env),
    env,
    log,
  });
  const server = createSagemakerServer(service, log);
  server.listen(port, env['MERIDIAN_SAGEMAKER_HOST'] ?? '127.0.0.1', () => log.info({ port }, 'ready'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      service.close();
      server.close();
      server.closeAllConnections();
    });
  }
}

void main(process.env);
