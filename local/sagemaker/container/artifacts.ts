import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import type { Storage } from '../storage';

/**
 * Uploads the files of all hosts' folders as one archive, at the archive's top; where two wrote the same file, the first
 * host's counts. Empty folders leave no object, as in SageMaker: whoever wants the object must look for it.
 */
export async function uploadArchive(
  folders: string[],
  archive: string,
  uri: string,
  storage: Storage,
): Promise<void> {
  const folder = folders.length === 1 ? folders[0]! : await merged(folders, `${archive}.merged`);
  const entries = await readdir(folder);
  if (entries.length === 0) return;
  await mkdir(dirname(archive), { recursive: true });
  // Names that begin with "@" would be read as archives to include.
  await create(
    { file: archive, cwd: folder, gzip: true, portable: true },
    entries.map((entry) => `./${entry}`),
  );
  const { store, key } = storage(uri);
  await store.upload(archive, key);
  await rm(archive);
}

async function merged(folders: string[], into: string): Promise<string> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for (const folder of folders.toReversed()) await cp(folder, into, { recursive: true });
  return into;
}

/** Uploads every file below a folder under its own path; links are not followed. */
export async function uploadFolder(folder: string, uri: string, storage: Storage): Promise<void> {
  const { store, key } = storage(uri);
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await store.upload(path, prefix + path.slice(folder.length + 1));
  }
}
