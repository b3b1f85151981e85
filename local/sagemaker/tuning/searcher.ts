import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../../platform/project-root';
import type { Parameter } from './space';

const PATIENCE_MS = 120_000;

export interface SearchRequest {
  /** Of the study: it decides which of Hyperband's brackets a trial is in. */
  name: string;
  strategy: string;
  direction: 'maximize' | 'minimize';
  seed: number;
  space: Parameter[];
  resource?: { min: number; max: number };
  /** How many suggestions are wanted. */
  ask: number;
  trials: { parameters: Record<string, number | string>; state: TrialState; value?: number }[];
  /** Index of the trial, step and value, in the order in which they came. */
  reports: [number, number, number][];
}

export type TrialState = 'running' | 'complete' | 'stopped' | 'failed';

export interface SearchAnswer {
  suggestions: Record<string, number | string>[];
  /** Indices of the trials that are not worth going on. */
  stop: number[];
}

interface Waiting {
  resolve: (answer: SearchAnswer) => void;
  reject: (error: Error) => void;
}

/**
 * The search itself: Optuna in a process of its own (`local/python/tuner.py`), begun when it is first needed. It has no state,
 * ends with its stdin, so with this process, and is begun anew where it died.
 */
export class Searcher {
  private child: ChildProcess | null = null;
  private serial = 0;
  private readonly waiting = new Map<number, Waiting>();

  constructor(private readonly venv: string) {}

  search(request: SearchRequest): Promise<SearchAnswer> {
    this.child ??= this.start();
    const id = ++this.serial;
    const timeout = setTimeout(() => this.fail(new Error('the search gave no answer in time')), PATIENCE_MS);
    const answer = new Promise<SearchAnswer>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.child.stdin!.write(`${JSON.stringify({ id, ...request })}\n`);
    return answer.finally(() => clearTimeout(timeout));
  }

  close(): void {
    this.child?.stdin!.end();
    this.child = null;
  }

  private start(): ChildProcess {
    const program = join(projectRoot(), 'local', 'python', 'tuner.py');
    const child = spawn(join(this.venv, 'bin', 'python'), [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.once('error', (error) => this.fail(error, child));
    child.once('exit', (code) => this.fail(new Error(`the search ended with ${code}`), child));
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.receive(line));
    return child;
  }

  private receive(line: string): void {
    const { id, error, ...answer } = JSON.parse(line) as SearchAnswer & { id: number; error?: string };
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) waiting?.reject(new Error(error));
    else waiting?.resolve(answer);
  }

  /** All that is asked of a process that is gone, or does not answer, is asked again of the next. */
  private fail(error: Error, child = this.child): void {
    if (child !== this.child) return;
    this.child?.kill('SIGKILL');
    this.child = null;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
