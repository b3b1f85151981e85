import { join } from 'node:path';
import { identifier, literal, type Database } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';

export interface Target {
  store: ObjectStore;
  database: Database;
  folder: string;
  entity: string;
  /** When the rows are known, ISO 8601. */
  observed: string;
}

/**
 * Writes the rows with their created_timestamp: as observed, so that the same table gives the same bytes and the same
 * snapshot; or now where other rows stand there, so that the correction wins online. @returns the object's ETag, bare
 */
export async function writeRows(target: Target, rows: string, key: string): Promise<string> {
  const { store, database, folder, entity, observed } = target;
  const standing = await store.head(key);
  if (standing && (await holds(target, rows, key))) return bare(standing.etag);
  const created = literal(standing ? new Date().toISOString() : observed);
  const path = join(folder, 'part-0.parquet');
  await database.execute(
    `COPY (SELECT *, TIMESTAMPTZ ${created} AS created_timestamp FROM (${rows}) ORDER BY ${identifier(entity)})
     TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return bare((await store.upload(path, key)).etag);
}

const bare = (etag: string): string => etag.replaceAll('"', '');

/** Whether the object holds just these rows, whenever they were created. */
async function holds({ store, database, folder }: Target, rows: string, key: string): Promise<boolean> {
  const path = join(folder, 'standing.parquet');
  await store.download(key, path);
  const old = `SELECT * EXCLUDE (created_timestamp) FROM read_parquet(${literal(path)})`;
  try {
    const { differing } = await database.row<{ differing: number }>(
      `SELECT count(*) AS differing FROM
         ((${old} EXCEPT ALL (${rows})) UNION ALL ((${rows}) EXCEPT ALL ${old}))`,
    );
    return differing === 0;
  } catch {
    // Unreadable, or of other columns.
    return false;
  }
}
