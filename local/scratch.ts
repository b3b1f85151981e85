import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../platform/duckdb';

/** A database and a folder for the time of one import. */
export async function withScratch<T>(use: (database: Database, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-import-'));
  const database = await openDatabase({ temporaryFolder: join(folder, 'spill') });
  try {
    return await use(database, folder);
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
