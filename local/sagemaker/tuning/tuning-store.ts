import { appendFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tag } from '@aws-sdk/client-sagemaker';
import { createJson, readJson, writeJson } from '../files';
import type { TuningRequest } from './definition';

/** A tuning job as it was asked for; immutable once written. Times in epoch milliseconds. */
export interface TuningRecord {
  name: string;
  arn: string;
  creationTime: number;
  request: TuningRequest;
}

/** One child as it was decided on: written before its training job is made, and never changed. */
export interface Trial {
  /** From 1. */
  number: number;
  jobName: string;
  /** Which of the request's definitions it is of. */
  definition: number;
  /** What was tuned, as text. */
  parameters: Record<string, string>;
}

/** A value of the objective that a child wrote. */
export interface Report {
  trial: number;
  /** From 1: the how many-eth value it is, so the epoch. */
  step: number;
  value: number;
}

export interface TuningEnd {
  status: 'Completed' | 'Failed' | 'Stopped';
  time: number;
  failureReason?: string;
}

const DELETED = '.deleted-';
const END = 'end.json';
const STOP = 'stop.json';
const CLOSED = 'closed.json';

/** All tuning jobs, on disk: `<home>/tuning-jobs/<name>/`. What is there is the truth; nothing else needs to survive. */
export class TuningStore {
  private constructor(
    private readonly path: string,
    private readonly names: Set<string>,
  ) {}

  static async open(home: string): Promise<TuningStore> {
    const path = join(home, 'tuning-jobs');
    await mkdir(path, { recursive: true });
    const names = new Set<string>();
    for (const name of await readdir(path)) {
      if (name.startsWith(DELETED)) await rm(join(path, name), { recursive: true, force: true });
      else if (await readJson(join(path, name, 'job.json'))) names.add(name);
    }
    return new TuningStore(path, names);
  }

  all(): string[] {
    return [...this.names];
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** False where the name is taken; then nothing is written. */
  async create(record: TuningRecord): Promise<boolean> {
    const created = await createJson(this.file(record.name, 'job.json'), record);
    this.names.add(record.name);
    return created;
  }

  async record(name: string): Promise<TuningRecord> {
    return (await readJson<TuningRecord>(this.file(name, 'job.json')))!;
  }

  async trials(name: string): Promise<Trial[]> {
    const folder = this.file(name, 'trials');
    await mkdir(folder, { recursive: true });
    const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
    return Promise.all(files.map(async (file) => (await readJson<Trial>(join(folder, file)))!));
  }

  async addTrial(name: string, trial: Trial): Promise<void> {
    await createJson(this.file(name, 'trials', `${String(trial.number).padStart(6, '0')}.json`), trial);
  }

  /** In the order in which they came. A last line that a kill cut off counts as not written. */
  async reports(name: string): Promise<Report[]> {
    const path = this.file(name, 'reports.jsonl');
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await writeFile(path, whole);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Report);
  }

  async addReports(name: string, reports: Report[]): Promise<void> {
    const lines = reports.map((report) => `${JSON.stringify(report)}\n`);
    await appendFile(this.file(name, 'reports.jsonl'), lines.join(''));
  }

  /** Asks that the job stops; false where that was asked before. */
  requestStop(name: string): Promise<boolean> {
    return createJson(this.file(name, STOP), { requestedAt: Date.now() });
  }

  async stopRequested(name: string): Promise<number | null> {
    return (await readJson<{ requestedAt: number }>(this.file(name, STOP)))?.requestedAt ?? null;
  }

  /** Says that no child begins any more, and that those that run are stopped: it has what it wanted, or cannot go on. */
  close(name: string, failureReason?: string): Promise<boolean> {
    return createJson(this.file(name, CLOSED), { time: Date.now(), failureReason });
  }

  closed(name: string): Promise<{ failureReason?: string } | null> {
    return readJson(this.file(name, CLOSED));
  }

  end(name: string, end: TuningEnd): Promise<void> {
    return writeJson(this.file(name, END), end);
  }

  ended(name: string): Promise<TuningEnd | null> {
    return readJson<TuningEnd>(this.file(name, END));
  }

  async delete(name: string): Promise<void> {
    this.names.delete(name);
    const away = join(this.path, `${DELETED}${name}`);
    await rename(this.file(name), away);
    await rm(away, { recursive: true, force: true });
  }

  async tags(name: string): Promise<Tag[]> {
    return (
      (await readJson<Tag[]>(this.file(name, 'tags.json'))) ?? (await this.record(name)).request.Tags ?? []
    );
  }

  setTags(name: string, tags: Tag[]): Promise<void> {
    return writeJson(this.file(name, 'tags.json'), tags);
  }

  private file(name: string, ...rest: string[]): string {
    return join(this.path, name, ...rest);
  }
}
