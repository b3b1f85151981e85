import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { create } from 'tar';
import type { Storage } from '../storage';

/**
 * Uploads a folder as one archive, its files at the archive's top. An empty folder leaves no object, as in SageMaker:
 * whoever wants the object must look for it.
 */
export async function uploadArchive(
  folder: string,
  archive: string,
  uri: string,
  storage: Storage,
): Promise<void> {
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
