import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal, withDatabase, type PlainRow } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';

/** Every captured prediction that lies in S3, read by DuckDB; `file` is the key it lies in. */
export async function storedCaptures(store: ObjectStore, model: string): Promise<PlainRow[]> {
  const objects = await store.list(`predictions/${model}/dt=`);
  const folder = await mkdtemp(join(tmpdir(), 'meridian-captures-'));
  try {
    const rows: PlainRow[] = [];
    for (const [index, { key }] of objects.entries()) {
      const path = join(folder, `${index}.parquet`);
      await store.download(key, path);
      const found = await withDatabase((db) => db.rows(`SELECT * FROM read_parquet(${literal(path)})`));
      rows.push(...found.map((row) => ({ ...row, file: key })));
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
