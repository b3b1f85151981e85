import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { readJson, writeJson } from '../files';
import type { JobFolder, JobRecord } from '../job';
import { identify, isAlive, killByEnvironment, signalGroup, type ProcessIdentity } from '../processes';
import { mapped, type ContainerLayout } from './layout';
import type { ScriptMode } from './toolkit';

export interface Program {
  command: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Of the service's own environment, what a job needs to run and to reach S3; the rest is none of its business. */
const INHERITED = [
  'HOME',
  'LANG',
  'LC_ALL',
  'PATH',
  'TMPDIR',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ENDPOINT_URL_S3',
];

/** What the container runs: its entry point, else the script-mode program, else the image's own `train`. */
export function trainingProgram(
  record: JobRecord,
  layout: ContainerLayout,
  venv: string,
  script: ScriptMode | null,
  host: NodeJS.ProcessEnv,
): Program {
  const { AlgorithmSpecification: algorithm, Environment } = record.request;
  const here = (parts: string[]) => parts.map((part) => mapped(part, layout.base));
  const entryPoint = algorithm?.ContainerEntrypoint;
  const args = algorithm?.ContainerArguments;
  const inherited = INHERITED.filter((name) => host[name] !== undefined).map((name) => [name, host[name]!]);
  const env: Record<string, string> = {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    PATH: [join(venv, 'bin'), host['PATH'] ?? ''].join(delimiter),
    VIRTUAL_ENV: venv,
    PYTHONUNBUFFERED: '1',
    AWS_REGION: record.region,
    TRAINING_JOB_NAME: record.name,
    TRAINING_JOB_ARN: record.arn,
    SAGEMAKER_BASE_DIR: layout.base,
    ...Environment,
  };
  if (entryPoint || args || !script) {
    return { command: here([...(entryPoint ?? []), ...(args ?? ['train'])]), cwd: layout.base, env };
  }
  const command = script.program.endsWith('.py')
    ? [join(venv, 'bin', 'python'), script.program, ...script.args]
    : ['/bin/sh', script.program, ...script.args];
  return { command, cwd: layout.code, env: { ...env, ...script.variables, PYTHONPATH: layout.code } };
}

export interface RunningProgram {
  /** The exit status; 128 + the signal's number where one ended it, as a container tells it. */
  ended: Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts the program in a process group of its own, its output appended to the log. */
export async function startProgram(program: Program, folder: JobFolder): Promise<RunningProgram> {
  const output = openSync(folder.log, 'a');
  const [command, ...args] = program.command as [string, ...string[]];
  const child = spawn(command, args, {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      appendFileSync(
        folder.log,
        `exec: "${command}": ${error.message}
`,
      );
      resolve(127);
    });
    child.once('exit', (code, signal) => {
      endContainer(child.pid!, folder);
      resolve(code ?? 128 + constants.signals[signal!]);
    });
  });
  if (child.pid !== undefined) await writeJson(folder.program, identify(child.pid));
  return {
    ended,
    signal: (signal) => {
      if (child.pid !== undefined) signalGroup(child.pid, signal);
    },
  };
}

/** Nothing outlives a container: what the program left running is killed. */
function endContainer(leader: number, folder: JobFolder): void {
  signalGroup(leader, 'SIGKILL');
  killByEnvironment('SAGEMAKER_BASE_DIR', folder.base);
}

/** Kills what an unsupervised job still runs. */
export async function endAbandoned(folder: JobFolder): Promise<void> {
  const program = await readJson<ProcessIdentity>(folder.program);
  if (program && isAlive(program)) signalGroup(program.pid, 'SIGKILL');
  killByEnvironment('SAGEMAKER_BASE_DIR', folder.base);
}
