import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

let serial = 0;
const beside = (path: string) => `${path}.${process.pid}-${++serial}.tmp`;

/** Replaces a file as a whole: a reader sees the old content or the new, and a crash leaves one of them. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = beside(path);
  await writeDurably(temporary, JSON.stringify(value));
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Creates a file with its whole content unless it exists; false where it does. On disk when it returns. */
export async function createJson(path: string, value: unknown): Promise<boolean> {
  const folder = dirname(path);
  if (await mkdir(folder, { recursive: true })) await syncFolder(dirname(folder));
  const temporary = beside(path);
  await writeDurably(temporary, JSON.stringify(value));
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** Null where there is no such file. */
export async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
