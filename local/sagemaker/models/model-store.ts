import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CreateModelInput, Tag } from '@aws-sdk/client-sagemaker';
import { createJson, readJson, writeJson } from '../files';

export interface ModelRecord {
  name: string;
  arn: string;
  /** Epoch milliseconds. */
  creationTime: number;
  request: CreateModelInput;
}

const DELETED = '.deleted-';

/** All models, on disk: `<home>/models/<name>/`. */
export class ModelStore {
  private constructor(
    private readonly path: string,
    private readonly names: Set<string>,
  ) {}

  static async open(home: string): Promise<ModelStore> {
    const path = join(home, 'models');
    await mkdir(path, { recursive: true });
    const names = new Set<string>();
    for (const name of await readdir(path)) {
      if (name.startsWith(DELETED)) await rm(join(path, name), { recursive: true, force: true });
      else if (await readJson(join(path, name, 'model.json'))) names.add(name);
    }
    return new ModelStore(path, names);
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** False where the name is taken; then nothing is written. */
  async create(record: ModelRecord): Promise<boolean> {
    const created = await createJson(join(this.path, record.name, 'model.json'), record);
    this.names.add(record.name);
    return created;
  }

  async get(name: string): Promise<ModelRecord> {
    return (await readJson<ModelRecord>(join(this.path, name, 'model.json')))!;
  }

  all(): Promise<ModelRecord[]> {
    return Promise.all([...this.names].map((name) => this.get(name)));
  }

  async delete(name: string): Promise<void> {
    this.names.delete(name);
    const away = join(this.path, `${DELETED}${name}`);
    await rename(join(this.path, name), away);
    await rm(away, { recursive: true, force: true });
  }

  async tags(name: string): Promise<Tag[]> {
    return (
      (await readJson<Tag[]>(join(this.path, name, 'tags.json'))) ?? (await this.get(name)).request.Tags ?? []
    );
  }

  setTags(name: string, tags: Tag[]): Promise<void> {
    return writeJson(join(this.path, name, 'tags.json'), tags);
  }
}
