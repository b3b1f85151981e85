import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ParquetSchema, ParquetWriter, type ParquetColumn } from 'parquetjs-lite';
import { captureColumn, type CaptureBatch, type CaptureInput } from '../../contracts/capture';
import { Key } from '../../contracts/ids';
import type { FeatureValue } from '../../contracts/model';
import type { StreamRange } from './capture-stream';

/** Predictions of one model in one hour of one range: one Parquet file. */
export interface CaptureFile {
  key: string;
  inputs: CaptureInput[];
  rows: Record<string, FeatureValue>[];
}

/** Sorts the batches of a range into files, each request once. The same batches always give the same files. */
export function toFiles(range: StreamRange, batches: readonly CaptureBatch[]): CaptureFile[] {
  const files = new Map<string, CaptureFile>();
  const seen = new Set<string>();
  for (const { model, inputs, records } of batches) {
    for (const { features, ...record } of records) {
      const identity = JSON.stringify([model, record.request_id, record.variant, record.error]);
      if (seen.has(identity)) continue;
      seen.add(identity);
      const file = fileOf(files, range, model, record.time);
      addInputs(file, inputs);
      const row: Record<string, FeatureValue> = { ...record, model };
      inputs.forEach(({ name }, index) => {
        row[captureColumn(name)] = features?.[index] ?? null;
      });
      file.rows.push(row);
    }
  }
  return [...files.values()];
}

function fileOf(
  files: Map<string, CaptureFile>,
  range: StreamRange,
  model: string,
  time: number,
): CaptureFile {
  const [day, clock] = new Date(time).toISOString().split('T');
  const key = `${Key.predictions(model, day!, clock!.slice(0, 2))}${range.first}-${range.last}.parquet`;
  let file = files.get(key);
  if (!file) files.set(key, (file = { key, inputs: [], rows: [] }));
  return file;
}

/** Two versions of a model may have different inputs; a file has the columns of both. */
function addInputs(file: CaptureFile, inputs: readonly CaptureInput[]): void {
  for (const input of inputs)
    if (!file.inputs.some(({ name }) => name === input.name)) file.inputs.push(input);
}

const TYPES = { number: 'DOUBLE', boolean: 'BOOLEAN', category: 'UTF8' } as const;
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
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}
