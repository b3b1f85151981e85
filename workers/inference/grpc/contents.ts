import { isUtf8 } from 'node:buffer';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { InputTensor, OutputTensor } from '../open-inference/tensors';
import type {
  InferInputTensor,
  InferOutputTensor,
  InferTensorContents,
  ModelInferResponse,
} from './messages';

/** Where a tensor's values lie in a message, and how they lie in raw bytes. */
interface Layout {
  field: keyof InferTensorContents;
  bytes: number;
  read: (raw: Buffer, at: number) => unknown;
}

const LAYOUTS: ReadonlyMap<string, Layout> = new Map(
  Object.entries({
    BOOL: { field: 'bool_contents', bytes: 1, read: (raw, at) => raw[at] !== 0 },
    INT8: { field: 'int_contents', bytes: 1, read: (raw, at) => raw.readInt8(at) },
    INT16: { field: 'int_contents', bytes: 2, read: (raw, at) => raw.readInt16LE(at) },
    INT32: { field: 'int_contents', bytes: 4, read: (raw, at) => raw.readInt32LE(at) },
    INT64: { field: 'int64_contents', bytes: 8, read: (raw, at) => Number(raw.readBigInt64LE(at)) },
    UINT8: { field: 'uint_contents', bytes: 1, read: (raw, at) => raw.readUInt8(at) },
    UINT16: { field: 'uint_contents', bytes: 2, read: (raw, at) => raw.readUInt16LE(at) },
    UINT32: { field: 'uint_contents', bytes: 4, read: (raw, at) => raw.readUInt32LE(at) },
    UINT64: { field: 'uint64_contents', bytes: 8, read: (raw, at) => Number(raw.readBigUInt64LE(at)) },
    FP32: { field: 'fp32_contents', bytes: 4, read: (raw, at) => raw.readFloatLE(at) },
    FP64: { field: 'fp64_contents', bytes: 8, read: (raw, at) => raw.readDoubleLE(at) },
  } satisfies Record<string, Layout>),
);

/**
 * The tensors of a request, their values in its messages or in raw bytes. NaN is a missing value: the messages have no null.
 * @throws InvalidInput where raw bytes do not fit the tensors, or a text is no UTF-8
 */
export function readTensors(tensors: readonly InferInputTensor[], raw: readonly Buffer[]): InputTensor[] {
  if (raw.length > 0 && raw.length !== tensors.length)
    throw wrong('raw_input_contents', `${raw.length} buffers`, `${tensors.length}, one an input`);
  return tensors.map((tensor, index) => {
    const { name, datatype, shape, contents } = tensor;
    const values = raw.length > 0 ? readRaw(tensor, raw[index]!) : readContents(datatype, contents);
    const data = values.map((value) => {
      if (Buffer.isBuffer(value)) return toText(name, value);
      return Number.isNaN(value) ? null : value;
    });
    return { name, datatype, shape, data };
  });
}

function readContents(datatype: string, contents: InferTensorContents | null): readonly unknown[] {
  const field = datatype === 'BYTES' ? 'bytes_contents' : LAYOUTS.get(datatype)?.field;
  return (field && contents?.[field]) ?? [];
}

function readRaw({ name, datatype }: InferInputTensor, raw: Buffer): unknown[] {
  if (datatype === 'BYTES') return readTexts(name, raw);
  const layout = LAYOUTS.get(datatype);
  // What datatype it should be, is said where all tensors are looked at.
  if (!layout) return [];
  if (raw.length % layout.bytes !== 0)
    throw wrong(`inputs.${name}`, `${raw.length} raw bytes`, `a multiple of ${layout.bytes}`);
  return Array.from({ length: raw.length / layout.bytes }, (_, at) => layout.read(raw, at * layout.bytes));
}

/** Each text lies after its length, a little-endian uint32. */
function readTexts(name: string, raw: Buffer): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = 0; at < raw.length;) {
    const end = at + 4 <= raw.length ? at + 4 + raw.readUInt32LE(at) : Infinity;
    if (end > raw.length)
      throw wrong(`inputs.${name}`, 'raw bytes that end within a text', 'each text after its length');
    texts.push(raw.subarray(at + 4, end));
    at = end;
  }
  return texts;
}

function toText(name: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw wrong(`inputs.${name}`, 'bytes that are no UTF-8', 'texts in UTF-8');
}

/**
 * An answer's tensors. Their values lie in raw bytes where the request's did: Triton's client, which sends raw bytes, reads
 * numbers from nowhere else.
 */
export function writeTensors(
  tensors: readonly OutputTensor[],
  inRaw: boolean,
): Pick<ModelInferResponse, 'outputs' | 'raw_output_contents'> {
  return {
    outputs: tensors.map((tensor) => toMessage(tensor, inRaw ? null : contentsOf(tensor))),
    raw_output_contents: inRaw ? tensors.map(writeRaw) : [],
  };
}

function toMessage(
  { name, datatype, shape, parameters = {} }: OutputTensor,
  contents: InferTensorContents | null,
): InferOutputTensor {
  const given = Object.entries(parameters).map(([key, value]) => [key, { string_param: value }]);
  return { name, datatype, shape, parameters: Object.fromEntries(given), contents };
}

function contentsOf({ datatype, data }: OutputTensor): InferTensorContents {
  if (datatype === 'FP64') return { fp64_contents: data as number[] };
  return { bytes_contents: (data as string[]).map((text) => Buffer.from(text)) };
}

function writeRaw({ datatype, data }: OutputTensor): Buffer {
  if (datatype === 'BYTES') return Buffer.concat((data as string[]).flatMap(writeText));
  const raw = Buffer.alloc(8 * data.length);
  (data as number[]).forEach((value, at) => raw.writeDoubleLE(value, 8 * at));
  return raw;
}

function writeText(text: string): Buffer[] {
  const body = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return [length, body];
}

function wrong(field: string, found: string, expected: string): MeridianError {
  return new MeridianError(ErrorCode.InvalidInput, `${field}: found ${found}, expected ${expected}.`, [
    { field, found, expected },
  ]);
}
