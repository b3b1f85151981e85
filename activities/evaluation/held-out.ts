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

/** Beside the splits of a dataset of series, where people have labelled some: series, starts_at, ends_at. */
const WINDOWS = 'windows.parquet';

/**
 * Reads a snapshot's held-out split.
 * @throws CorruptObject where the file is not the one the manifest names, or no Parquet.
 */
export async function readHeldOut(
  store: Pick<ObjectStore, 'get' | 'find' | 'getJson' | 'uri'>,
  { prefix }: Pick<DatasetSnapshot, 'prefix'>,
): Promise<HeldOut> {
  const manifest = await store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  const { key, sha256: expected } = manifest.splits.test;
  const where = store.uri(key);
  const body = await store.get(key);
  const found = sha256(body);
  if (found !== expected)
    throw corrupt(where, `${body.length} bytes with sha256 ${found}`, `sha256 ${expected}`);
  const windows = await store.find(`${prefix}${WINDOWS}`);
  return {
    where,
    table: await readTable(where, body),
    joinKeys: manifest.columns.filter(({ role }) => role === 'entity').map(({ name }) => name),
    windows: windows && (await readTable(store.uri(`${prefix}${WINDOWS}`), windows.body)),
  };
}

async function readTable(where: string, body: Buffer): Promise<Table> {
  const folder = await createWorkFolder();
  try {
    const file = join(folder, 'test.parquet');
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
