import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from 'apache-arrow';
import type { DatasetManifest, DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { readParquetAsArrow } from '../../platform/arrow';
import { sha256 } from '../../platform/s3';
import type { ObjectStore } from '../../platform/s3';
import { createWorkFolder } from '../../platform/work-folder';
import type { HeldOut } from './kinds/kind';

type Store = Pick<ObjectStore, 'get' | 'getJson' | 'uri'>;

/**
 * Reads a snapshot's held-out split, and the windows labelled anomalous where it has some.
 * @throws CorruptObject where a file is not the one the manifest names, or no Parquet.
 */
export async function readHeldOut(
  store: Store,
  { prefix }: Pick<DatasetSnapshot, 'prefix'>,
): Promise<HeldOut> {
  const { splits, windows, columns } = await store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  return {
    where: store.uri(splits.test.key),
    table: await readTable(store, splits.test),
    joinKeys: columns.filter(({ role }) => role === 'entity').map(({ name }) => name),
    windows: windows ? await readTable(store, windows) : null,
  };
}

async function readTable(
  store: Store,
  { key, sha256: expected }: { key: string; sha256: string },
): Promise<Table> {
  const where = store.uri(key);
  const body = await store.get(key);
  const found = sha256(body);
  if (found !== expected)
    throw corrupt(where, `${body.length} bytes with sha256 ${found}`, `sha256 ${expected}`);
  const folder = await createWorkFolder();
  try {
    const file = join(folder, 'rows.parquet');
    await writeFile(file, body);
    return await readParquetAsArrow(file);
  } catch (cause) {
    throw corrupt(where, `a file that does not read (${String(cause)})`, 'Parquet', cause);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function corrupt(where: string, found: string, expected: string, cause?: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.CorruptObject,
    `${where}: found ${found}, expected ${expected}. Build the snapshot again.`,
    [],
    { cause },
  );
}
