import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { readJson, writeJson } from '../files';
import type { JobFolder } from '../jobs/job';
import { identify, isAlive, killByEnvironment, signalGroup, type ProcessIdentity } from '../processes';
import type { Program } from './program';

export interface RunningProgram {
  /** The exit status; 128 + the signal's number where one ended it, as a container tells it. */
  ended: Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

/** A program to start, the container it runs in, and the file of its log stream. */
export interface Container {
  program: Program;
  base: string;
  log: string;
}

/** Starts the programs of a job's containers, each in a process group of its own, its output appended to its log. */
export async function startPrograms(containers: Container[], folder: JobFolder): Promise<RunningProgram[]> {
  const started = containers.map(start);
  const alive = started.flatMap(({ pid }) => (pid === undefined ? [] : [identify(pid)]));
  await writeJson(folder.programs, alive);
  return started.map(({ running }) => running);
}

function start({ program, base, log }: Container): { pid: number | undefined; running: RunningProgram } {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  const [command, ...args] = program.command as [string, ...string[]];
  const child = spawn(command, args, {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const { pid } = child;
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      appendFileSync(log, `exec: "${command}": ${error.message}\n`);
      resolve(127);
    });
    child.once('exit', (code, signal) => {
      endContainer(pid!, base);
      resolve(code ?? 128 + constants.signals[signal!]);
    });
  });
  const signal = (name: NodeJS.Signals) => {
    if (pid !== undefined) signalGroup(pid, name);
  };
  return { pid, running: { ended, signal } };
}

/** Nothing outlives a container: what the program left running is killed. */
function endContainer(leader: number, base: string): void {
  signalGroup(leader, 'SIGKILL');
  killByEnvironment('SAGEMAKER_BASE_DIR', base);
}

/** Kills what an unsupervised job still runs. */
export async function endAbandoned(folder: JobFolder): Promise<void> {
  const programs = (await readJson<ProcessIdentity[]>(folder.programs)) ?? [];
  for (const program of programs.filter(isAlive)) signalGroup(program.pid, 'SIGKILL');
  for (const host of foldersIn(folder.containers)) {
    killByEnvironment('SAGEMAKER_BASE_DIR', join(folder.containers, host));
  }
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
