import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUCKET } from '../../contracts/ids';
import type { Ports } from './part';

const HOST = '127.0.0.1';

/** Keys of the S3 server on this machine, which listens on no other. */
const ACCESS_KEY = 'meridian-local';
const SECRET_KEY = 'meridian-local-secret';
const REGION = 'us-west-2';

/** Variables of the person's own shell that would win over the stack's, or send its requests elsewhere. */
const FOREIGN = ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL', 'TEMPORAL_API_KEY', 'TEMPORAL_TLS'];

/** Where everything is, as the platform's processes and any other program read it. */
export function stackEnvironment(home: string, ports: Ports): Record<string, string> {
  const url = (port: number): string => `http://${HOST}:${port}`;
  return {
    TEMPORAL_ADDRESS: `${HOST}:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default',
    AWS_ENDPOINT_URL_S3: url(ports.s3),
    AWS_ENDPOINT_URL_SAGEMAKER: url(ports.sagemaker),
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    REDIS_URL: `redis://${HOST}:${ports.redis}`,
    MLFLOW_TRACKING_URI: url(ports.mlflow),
    SLACK_API_URL: `${url(ports.sinks)}/api/`,
    SLACK_BOT_TOKEN: 'xoxb-meridian-local',
    DD_AGENT_HOST: HOST,
    DD_DOGSTATSD_PORT: String(ports.sinks),
    MERIDIAN_BUCKET: BUCKET,
    MERIDIAN_HOME: home,
    MERIDIAN_TEMPORAL_UI_URL: url(ports.temporalUi),
    MERIDIAN_SCORING_URL: url(ports.inference),
    MERIDIAN_SCORING_PORT: String(ports.inference),
    MERIDIAN_SCORING_GRPC_PORT: String(ports.inferenceGrpc),
    MERIDIAN_CONSOLE_URL: url(ports.gateway),
    MERIDIAN_GATEWAY_PORT: String(ports.gateway),
    MERIDIAN_FEAST_REPO: join(home, 'feast'),
    ...readMaskingKey(home),
  };
}

const maskingKeyFile = (home: string): string => join(home, 'masking-key');

/** Makes the stack's masking key, once: a mask means the same as long as the folder lives. Only its owner reads it. */
export function keepMaskingKey(home: string): void {
  const partial = `${maskingKeyFile(home)}.${process.pid}`;
  writeFileSync(partial, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    // The key is there as a whole or not at all, and the first of two is kept.
    linkSync(partial, maskingKeyFile(home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(partial);
  }
}

/** Nothing where the stack was never started. */
function readMaskingKey(home: string): { MERIDIAN_MASKING_KEY?: string } {
  try {
    return { MERIDIAN_MASKING_KEY: readFileSync(maskingKeyFile(home), 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return {};
  }
}

/** The person's environment under the stack's: what a process of the stack is started with. */
export function processEnvironment(
  stack: Record<string, string>,
  own: Record<string, string | undefined> = process.env,
): Record<string, string> {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !FOREIGN.includes(entry[0]),
  );
  const env = { ...Object.fromEntries(kept), ...stack };
  // The stack's servers are on this machine, whatever proxy leads out of it.
  const direct = [env['NO_PROXY'] ?? env['no_proxy'], HOST, 'localhost'].filter(Boolean).join(',');
  return { ...env, NO_PROXY: direct, no_proxy: direct };
}
