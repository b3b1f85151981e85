import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Storage } from '../storage';

/** Brings the checkpoints of earlier starts back into the container. */
export async function restoreCheckpoints(uri: string, folder: string, storage: Storage): Promise<void> {
  const { store, prefix } = at(uri, storage);
  for (const { key } of await store.list(prefix)) {
    await store.download(key, join(folder, key.slice(prefix.length)));
  }
}

/** Keeps the checkpoints in S3 as they are in the container; what is deleted here is deleted there. */
export class CheckpointSync {
  /** Size and time of each file as last uploaded. */
  private known = new Map<string, string>();

  constructor(
    private readonly uri: string,
    private readonly folder: string,
    private readonly storage: Storage,
  ) {}

  /** What lies in the folder now counts as uploaded: it was restored from there. */
  async begin(): Promise<void> {
    this.known = await this.versions();
  }

  async sync(): Promise<void> {
    const { store, prefix } = at(this.uri, this.storage);
    const current = await this.versions();
    for (const [file, version] of current) {
      if (this.known.get(file) !== version) await store.upload(join(this.folder, file), prefix + file);
    }
    for (const file of this.known.keys()) {
      if (!current.has(file)) await store.delete(prefix + file);
    }
    this.known = current;
  }

  private async versions(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(path);
      found.set(relative(this.folder, path), `${size}/${mtimeMs}`);
    }
    return found;
  }
}

function at(uri: string, storage: Storage) {
  const { store, key } = storage(uri);
  return { store, prefix: key === '' || key.endsWith('/') ? key : `${key}/` };
}
