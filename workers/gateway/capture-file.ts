import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ParquetSchema, ParquetWriter, type ParquetColumn } from 'parquetjs-lite';
import { captureColumn, type CaptureBatch, type CaptureInput } from '../../contracts/capture';
import { Key } from '../../contracts/ids';
import type { FeatureValue } from '../../contracts/model';
import { fits, isBatch, type RejectedCapture } from './capture-check';
import type { StreamRange } from './capture-stream';

/** Predictions of one model with the same inputs, in one hour of one range: one Parquet file. */
export interface CaptureFile {
  key: string;
  inputs: CaptureInput[];
  rows: Record<string, FeatureValue>[];
}

/** What of one range fits no Parquet file, set aside as JSON, so that nothing waits behind it. */
export interface RejectedFile {
  key: string;
  model: string;
  records: RejectedCapture[];
}

export interface SortedRange {
  files: CaptureFile[];
  rejected: RejectedFile[];
}

/** The folder of what does not even say whose it is. */
const NO_MODEL = 'unknown';

/** Sorts the entries of a range into files, each request once. The same entries always give the same files. */
export function toFiles(range: StreamRange, entries: readonly unknown[]): SortedRange {
  const files = new Map<string, CaptureFile>();
  const rejected = new Map<string, RejectedFile>();
  const seen = new Set<string>();
  const reject = (model: string, capture: RejectedCapture): void => {
    const key = `${Key.rejectedPredictions(model)}${range.first}-${range.last}.json`;
    const file = rejected.get(key);
    if (file) file.records.push(capture);
    else rejected.set(key, { key, model, records: [capture] });
  };
  for (const batch of entries) {
    if (!isBatch(batch)) {
      reject(NO_MODEL, { inputs: [], record: batch });
      continue;
    }
    const { model, inputs, records } = batch;
    for (const record of records) {
      if (!fits(inputs, record)) {
        reject(model, { inputs, record });
        continue;
      }
      const identity = JSON.stringify([model, record.request_id, record.variant, record.error]);
      if (seen.has(identity)) continue;
      seen.add(identity);
      fileOf(files, range, batch, record.time).rows.push(toRow(batch, record));
    }
  }
  return { files: [...files.values()], rejected: [...rejected.values()] };
}

function toRow(
  { model, inputs }: CaptureBatch,
  { features, ...record }: CaptureBatch['records'][number],
): CaptureFile['rows'][number] {
  const row: CaptureFile['rows'][number] = { ...record, model };
  inputs.forEach(({ name }, index) => {
    row[captureColumn(name)] = features?.[index] ?? null;
  });
  return row;
}

/** Versions of a model side by side may have other inputs, or the same of another type: those go to another file. */
function fileOf(
  files: Map<string, CaptureFile>,
  range: StreamRange,
  { model, inputs }: CaptureBatch,
  time: number,
): CaptureFile {
  const [day, clock] = new Date(time).toISOString().split('T');
  const folder = Key.predictions(model, day!, clock!.slice(0, 2));
  const key = `${folder}${range.first}-${range.last}-${nameOf(inputs)}.parquet`;
  let file = files.get(key);
  if (!file) files.set(key, (file = { key, inputs, rows: [] }));
  return file;
}

/** Names a list of inputs and their types. */
function nameOf(inputs: readonly CaptureInput[]): string {
  const text = JSON.stringify(inputs.map(({ name, type }) => [name, type]));
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

const TYPES = { number: 'DOUBLE', boolean: 'BOOLEAN', category: 'UTF8', text: 'UTF8' } as const;
const required = (type: ParquetColumn['type']): ParquetColumn => ({ type, compression: 'GZIP' });
const optional = (type: ParquetColumn['type']): ParquetColumn => ({ ...required(type), optional: true });

/** The file's bytes. */
export async function toParquet({ inputs, rows }: CaptureFile): Promise<Buffer> {
  const schema = new ParquetSchema({
    request_id: required('UTF8'),
    // The library cannot read back its own statistics of times.
    time: { ...required('TIMESTAMP_MICROS'), statistics: false },
    model: required('UTF8'),
    version: optional('UTF8'),
    variant: optional('UTF8'),
    generation: optional('INT32'),
    entity: optional('UTF8'),
    prediction: optional('DOUBLE'),
    predicted_label: optional('UTF8'),
    latency_ms: required('DOUBLE'),
    error: optional('UTF8'),
    ...Object.fromEntries(inputs.map(({ name, type }) => [captureColumn(name), optional(TYPES[type])])),
  });
  const output = new PassThrough();
  const body = buffer(output);
  const writer = await ParquetWriter.openStream(schema, output);
  for (const row of rows)
    await writer.appendRow({ ...withoutNulls(row), time: new Date(row['time'] as number) });
  await writer.close();
  return body;
}

/** The library takes a missing value for null, and null for a value. */
function withoutNulls(row: Record<string, FeatureValue>): Record<string, FeatureValue> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
}
