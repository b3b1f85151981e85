import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from 'apache-arrow';
import type { DatasetManifest, DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { readParquetAsArrow } from '../../platform/arrow';
import { sha256 } from '../../platform/s3';
import type { ObjectStore } from '../../platform/s3';
import { createWorkFolder } from '../../platform/work-folder';
import type { LabelledRows } from './metrics';

export interface HeldOut extends LabelledRows {
  table: Table;
  positives: number;
}

const LABEL = 'label';

/**
 * Reads a snapshot's held-out split.
 * @throws CorruptObject where the file is not the one the manifest names; DataQualityBreach where its rows cannot judge
 * a classifier (no rows, one class, labels other than 0 and 1).
 */
export async function readHeldOut(
  store: Pick<ObjectStore, 'get' | 'getJson' | 'uri'>,
  snapshot: DatasetSnapshot,
): Promise<HeldOut> {
  const manifest = await store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
  const { key, sha256: expected } = manifest.splits.test;
  const where = store.uri(key);
  const body = await store.get(key);
  const found = sha256(body);
  if (found !== expected)
    throw corrupt(where, `${body.length} bytes with sha256 ${found}`, `sha256 ${expected}`);
  const table = await readTable(where, body);
  const positive = readLabels(where, table);
  const positives = positive.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === positive.length) {
    throw breach(
      where,
      `${positives} positive rows of ${positive.length}`,
      'held-out rows of both classes; widen the window or the hold-out share',
    );
  }
  const joinKeys = manifest.columns.filter(({ role }) => role === 'entity').map(({ name }) => name);
  return { table, positive, positives, ...numberEntities(table, joinKeys) };
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

function readLabels(where: string, table: Table): Uint8Array {
  if (table.numRows === 0) throw breach(where, 'no rows', 'held-out rows of both classes');
  const column = table.getChild(LABEL);
  if (!column) throw breach(where, `no column ${LABEL}`, 'a column of 0 and 1');
  const labels = new Uint8Array(table.numRows);
  for (let row = 0; row < labels.length; row += 1) {
    const value: unknown = column.get(row);
    const label = value === null ? NaN : Number(value);
    if (label !== 0 && label !== 1)
      throw breach(where, `${LABEL} ${show(value)} in row ${row}`, '0 or 1 in every row');
    labels[row] = label;
  }
  return labels;
}

function numberEntities(table: Table, joinKeys: string[]): { entity: Uint32Array; entities: number } {
  const columns = joinKeys.map((name) => table.getChild(name)!);
  const numbers = new Map<string, number>();
  const entity = Uint32Array.from({ length: table.numRows }, (_, row) => {
    const key = columns.map((column) => String(column.get(row))).join('\0');
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { entity, entities: numbers.size };
}

function corrupt(where: string, found: string, expected: string, cause?: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.CorruptObject,
    `${where}: found ${found}, expected ${expected}. Build the snapshot again.`,
    [],
    { cause },
  );
}

function breach(where: string, found: string, expected: string): MeridianError {
  return new MeridianError(ErrorCode.DataQualityBreach, `${where}: found ${found}, expected ${expected}.`);
}
