import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part, PartContext } from './part';
import { isAlive, readRecord, removeRecord, writeRecord, type ProcessRecord } from './process-record';

const POLL_MS = 100;
const TAIL_LINES = 20;

/** A part could not be started, or did not serve in time: with the last lines of its log, and where the rest is. */
export class PartFailed extends Error {
  constructor(name: string, what: string, tail: string, log: string) {
    const lines = tail === '' ? '    (the log is empty)' : tail.replaceAll(/^/gm, '    ');
    super(`${name} ${what}\n${lines}\n  whole log: ${log}`);
    this.name = 'PartFailed';
  }
}

/** The process of one part of one stack. */
export interface PartProcess {
  readonly log: string;
  /** The process, while it runs. */
  record(): ProcessRecord | null;
  /** Throws, saying what is wrong, while the part does not serve. */
  check(): Promise<void>;
  /** Starts the process where it does not run, and waits until it serves. */
  start(withinMs: number): Promise<void>;
  /** Asks the process and its children to end, and kills what has not ended in time. */
  stop(withinMs: number): Promise<void>;
  /** Sends a signal to the process and its children; false where it does not run. */
  kill(signal: NodeJS.Signals): boolean;
  /** Its log's last lines. */
  tail(lines?: number): Promise<string>;
}

export function partProcess(part: Part, context: PartContext): PartProcess {
  const recordPath = join(context.home, 'run', `${part.name}.json`);
  const log = join(context.home, 'logs', `${part.name}.log`);

  const record = (): ProcessRecord | null => {
    const read = readRecord(recordPath);
    return isAlive(read) ? read : null;
  };

  const tail = async (lines = TAIL_LINES): Promise<string> => {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  };

  const launch = (): void => {
    for (const folder of [dirname(log), dirname(recordPath), dirname(context.data)]) {
      mkdirSync(folder, { recursive: true });
    }
    rmSync(context.readyFile, { force: true });
    const { file, args, env } = part.command(context);
    const output = openSync(log, 'a');
    try {
      // Detached: a process group of its own, which outlives this process and is ended as a whole.
      const child = spawn(file, args, {
        detached: true,
        cwd: context.root,
        env: { ...context.env, ...env },
        stdio: ['ignore', output, output],
      });
      child.once('error', () => undefined); // no pid then, and the message below says so
      if (child.pid === undefined) throw new Error(`${part.name}: ${file} cannot be started.`);
      writeRecord(recordPath, child.pid);
      child.unref();
    } finally {
      closeSync(output);
    }
  };

  const serves = async (withinMs: number): Promise<void> => {
    const deadline = Date.now() + withinMs;
    for (;;) {
      if (!record()) throw new PartFailed(part.name, 'ended while it was starting.', await tail(), log);
      try {
        await part.check(context);
        return;
      } catch (error) {
        if (Date.now() > deadline) {
          const what = `does not serve after ${withinMs / 1000} s: ${(error as Error).message}`;
          throw new PartFailed(part.name, what, await tail(), log);
        }
      }
      await sleep(POLL_MS);
    }
  };

  const ended = async (withinMs: number): Promise<boolean> => {
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(POLL_MS)) {
      if (!record()) return true;
    }
    return !record();
  };

  const kill = (signal: NodeJS.Signals): boolean => {
    const running = record();
    if (!running) return false;
    try {
      process.kill(-running.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    return true;
  };

  return {
    log,
    record,
    tail,
    kill,
    check: () => part.check(context),
    async start(withinMs) {
      if (!record()) launch();
      await serves(withinMs);
      await part.prepare?.(context);
    },
    async stop(withinMs) {
      if (kill('SIGTERM') && !(await ended(withinMs))) {
        kill('SIGKILL');
        await ended(withinMs);
      }
      removeRecord(recordPath);
    },
  };
}
