import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SageMakerClient } from '@aws-sdk/client-sagemaker';
import type { Client } from '@temporalio/client';
import { publishDeclaration } from '../../client/declarations';
import { addDays, type Day } from '../../contracts/days';
import { layDownSampleData } from '../../local/sample';
import { beginOf } from '../../platform/process-begin';
import type { PartName } from '../../local/stack/part';
import { createStack, type Stack } from '../../local/stack/stack';
import { churn } from '../../models/churn/model';
import { loadConfig } from '../../platform/config';
import { createMlflow, type Mlflow } from '../../platform/mlflow';
import { projectRoot } from '../../platform/project-root';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { createSagemaker } from '../../platform/sagemaker';
import { connectClient } from '../../platform/temporal';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { findTestTools } from '../support/tools';
import { replayAll } from '../support/workflow-environment';

const execute = promisify(execFile);

/** Small, and with a seed that leaves churn's gate no doubt. */
const SAMPLE = { customers: 2_500, days: 181 };

/** Entity workflows: they end with the platform, never by themselves. */
const OPEN_FOR_EVER = {
  'release/': 'the only writer of what a model serves, one for ever',
  'scorer/': 'answers predictions for as long as there are any',
  'limit/': 'ends by itself, once nobody has asked it for minutes',
};

export interface Told {
  status: number;
  stdout: string;
  stderr: string;
}

/** The whole platform as `npm start` runs it, in a folder and on ports of its own, with what a test asks it by. */
export interface Platform {
  stack: Stack;
  env: Record<string, string>;
  client: Client;
  store: ObjectStore;
  sagemaker: SageMakerClient;
  mlflow: Mlflow;
  /** The newest day whose data is used. */
  day: Day;
  /** Where an object lies on this machine's disk. */
  path(key: string): string;
  /** The Temporal CLI, told where the server is: `temporal('workflow start', { type, 'workflow-id': … })`. */
  temporal(command: string, options: Record<string, string>): Promise<Told>;
  /** The command `meridian`. */
  meridian(...args: string[]): Promise<Told>;
  /** Replays every history there is, and stops everything. @throws Error where a process is left, or a run is open */
  close(): Promise<void>;
}

/** Starts these parts (every one by default), lays down a sample of raw data, and publishes churn. */
export async function startPlatform(parts?: readonly PartName[]): Promise<Platform> {
  const home = await mkdtemp(join(tmpdir(), 'meridian-main-job-'));
  const stack = createStack({ home, firstPort: 12_000 + Math.floor(Math.random() * 15_000) });
  try {
    await stack.up(parts);
  } catch (error) {
    await stack.down();
    throw error;
  }
  const env = { ...stack.env() };
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) process.env[name] = env[name];
  const config = loadConfig(env);
  const client = await connectClient(config.temporal);
  const store = createObjectStore(config.s3);
  const sagemaker = createSagemaker(config.sagemaker);
  const day = lastCompleteDay(new Date());
  const tools = await findTestTools();

  const platform: Platform = {
    stack,
    env,
    client,
    store,
    sagemaker,
    mlflow: createMlflow(config.mlflowUrl),
    day,
    path: (key) => join(home, 'data', 's3', store.bucket, key),
    temporal(command, options) {
      const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      const address = { TEMPORAL_ADDRESS: env['TEMPORAL_ADDRESS']! };
      return tell(tools.temporal, [...command.split(' '), ...flags], address);
    },
    meridian: (...args) =>
      tell(process.execPath, [join(projectRoot(), 'client', 'bin', 'meridian.cjs'), ...args], env),
    async close() {
      const replayed = stack.up(['temporal']).then(() => replayAll(client, { open: OPEN_FOR_EVER }));
      const [replay] = await Promise.allSettled([replayed]);
      await client.connection.close();
      store.close();
      sagemaker.destroy();
      const pids = (await stack.status()).flatMap(({ pid }) => pid ?? []);
      await stack.down();
      const left = [...pids.filter((pid) => beginOf(pid) !== null), ...processesOf(home)];
      await rm(home, { recursive: true, force: true });
      if (replay.status === 'rejected') throw replay.reason;
      if (left.length > 0) throw new Error(`Still running after down:\n${left.join('\n')}`);
    },
  };
  // One day more than is used, for whoever asks again after midnight.
  await layDownSampleData(store, { ...SAMPLE, endDate: addDays(day, 1) });
  await publishDeclaration(store, churn);
  return platform;
}

/** A program's answer, whatever its exit status. */
async function tell(file: string, args: string[], env: Record<string, string>): Promise<Told> {
  try {
    const { stdout, stderr } = await execute(file, args, {
      env: { ...process.env, ...env },
      timeout: 120_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as Error & Partial<Told> & { code?: unknown };
    if (typeof code !== 'number') throw new Error(`${file} ${args.join(' ')}: ${message}`, { cause: error });
    return { status: code, stdout, stderr };
  }
}

/** What a program printed as JSON. It must have gone well, and complained of nothing. */
export async function answerOf<T>(told: Promise<Told>): Promise<T> {
  const { status, stdout, stderr } = await told;
  expect({ status, said: status === 0 ? '' : stderr }).toEqual({ status: 0, said: '' });
  return JSON.parse(stdout) as T;
}

/** Processes whose command line or environment names that folder (where `/proc` tells): training jobs, above all. */
function processesOf(home: string): string[] {
  if (!existsSync('/proc/self')) return [];
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      return command.includes(home) || read(`/proc/${pid}/environ`).includes(home)
        ? [`${pid} ${command}`]
        : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
