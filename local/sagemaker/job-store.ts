import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tag } from '@aws-sdk/client-sagemaker';
import { createJson, readJson, writeJson } from './files';
import { jobFolder, readState, readTags, type JobFolder, type JobRecord, type JobState } from './job';

/** All jobs there ever were, on disk: `<home>/jobs/<name>/`. Names are taken for ever. */
export class JobStore {
  /** What no longer changes need not be read again. */
  private readonly ended = new Map<string, JobState>();

  private constructor(
    private readonly jobs: string,
    private readonly names: Set<string>,
  ) {}

  static async open(home: string): Promise<JobStore> {
    const jobs = join(home, 'jobs');
    await mkdir(jobs, { recursive: true });
    const names = new Set<string>();
    for (const name of await readdir(jobs)) {
      if (await readJson(jobFolder(join(jobs, name)).record)) names.add(name);
    }
    return new JobStore(jobs, names);
  }

  folder(name: string): JobFolder {
    return jobFolder(join(this.jobs, name));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** False where the name is taken; then nothing is written. */
  async create(record: JobRecord): Promise<boolean> {
    const created = await createJson(this.folder(record.name).record, record);
    this.names.add(record.name);
    return created;
  }

  async state(name: string): Promise<JobState> {
    const known = this.ended.get(name);
    if (known) return known;
    const state = await readState(this.folder(name));
    if (state.progress.outcome) this.ended.set(name, state);
    return state;
  }

  async all(): Promise<JobState[]> {
    return Promise.all([...this.names].map((name) => this.state(name)));
  }

  requestStop(name: string): Promise<boolean> {
    return createJson(this.folder(name).stop, { requestedAt: Date.now() });
  }

  async requestInterruption(name: string): Promise<void> {
    const { interruptions } = this.folder(name);
    const asked = await readJson<{ count: number }>(interruptions);
    await writeJson(interruptions, { count: (asked?.count ?? 0) + 1 });
  }

  /** Adds tags, over those with the same key; gives all of them. */
  async addTags(name: string, tags: Tag[]): Promise<Tag[]> {
    const folder = this.folder(name);
    const merged = new Map([...(await readTags(folder)), ...tags].map((tag) => [tag.Key, tag]));
    const all = [...merged.values()];
    await writeJson(folder.tags, all);
    return all;
  }

  tags(name: string): Promise<Tag[]> {
    return readTags(this.folder(name));
  }
}
