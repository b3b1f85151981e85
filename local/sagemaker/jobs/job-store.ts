import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tag } from '@aws-sdk/client-sagemaker';
import { createJson, readJson, writeJson } from '../files';
import { jobFolder, readState, readTags, type JobFolder, type JobRecord, type JobState } from './job';
import type { JobKind } from './kind';

/** Marks a folder that is being deleted; no job has such a name. */
const DELETED = '.deleted-';

/** All jobs of a kind there ever were, on disk: `<home>/<kind>/<name>/`. A name is taken until its job is deleted. */
export class JobStore {
  /** What no longer changes need not be read again. */
  private readonly ended = new Map<string, JobState>();

  private constructor(
    readonly kind: JobKind,
    private readonly path: string,
    private readonly names: Set<string>,
  ) {}

  static async open(home: string, kind: JobKind): Promise<JobStore> {
    const path = join(home, kind.folder);
    await mkdir(path, { recursive: true });
    const names = new Set<string>();
    for (const name of await readdir(path)) {
      if (name.startsWith(DELETED)) await rm(join(path, name), { recursive: true, force: true });
      else if (await readJson(jobFolder(join(path, name)).record)) names.add(name);
    }
    return new JobStore(kind, path, names);
  }

  folder(name: string): JobFolder {
    return jobFolder(join(this.path, name));
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

  /** Frees the name of a job that has ended. */
  async delete(name: string): Promise<void> {
    this.names.delete(name);
    this.ended.delete(name);
    const away = join(this.path, `${DELETED}${name}`);
    await rename(this.folder(name).path, away);
    await rm(away, { recursive: true, force: true });
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

  async open(): Promise<JobState[]> {
    return (await this.all()).filter(({ progress }) => !progress.outcome);
  }

  requestStop(name: string): Promise<boolean> {
    return createJson(this.folder(name).stop, { requestedAt: Date.now() });
  }

  requestInterruption(name: string): Promise<void> {
    return countUp(this.folder(name).interruptions);
  }

  requestBreakdown(name: string): Promise<void> {
    return countUp(this.folder(name).breakdowns);
  }

  tags(name: string): Promise<Tag[]> {
    return readTags(this.folder(name));
  }

  setTags(name: string, tags: Tag[]): Promise<void> {
    return writeJson(this.folder(name).tags, tags);
  }
}

async function countUp(path: string): Promise<void> {
  const asked = await readJson<{ count: number }>(path);
  await writeJson(path, { count: (asked?.count ?? 0) + 1 });
}
