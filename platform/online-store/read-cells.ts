import { isUtf8 } from 'node:buffer';
import { readVarint } from './bytes';
import type { Micros } from './timestamp';
import { TAG, type FeatureType, type StoredValue } from './value';

/** Reads a value whose tag has been seen, from the bytes `from` … `end` − 1. */
type Decoder = (bytes: Buffer, from: number, end: number) => StoredValue;

/** Field tags of `google.protobuf.Timestamp`. */
const SECONDS = 0x08;
const NANOS = 0x10;
const MILLION = 1_000_000;

const DECODERS: Record<FeatureType, Decoder> = {
  string: readString,
  int32: readInt32,
  int64: readInt64,
  double: readDouble,
  float: readFloat,
  bool: readBool,
};

/**
 * Reads a serialized `feast.types.Value` from the bytes `start` … `end` − 1; the empty message, and NaN as in Feast, is
 * null. An int64 comes as a number where that is exact, else as a bigint.
 * @throws RangeError where the bytes are no such message, or one of another type.
 */
export function readValue(type: FeatureType, bytes: Buffer, start: number, end: number): StoredValue {
  if (start === end) return null;
  if (bytes[start] !== TAG[type]) throw new RangeError(`Its field tag is ${bytes[start]}, not ${TAG[type]}.`);
  return DECODERS[type](bytes, start + 1, end);
}

/**
 * Reads a serialized `google.protobuf.Timestamp`; what is finer than a microsecond is cut, as Feast does.
 * @throws RangeError where the bytes are none.
 */
export function readTimestamp(bytes: Buffer, start: number, end: number): Micros {
  let at = start;
  let seconds: number | bigint = 0;
  let nanos: number | bigint = 0;
  if (at < end && bytes[at] === SECONDS) {
    seconds = varint(bytes, at + 1, end);
    at = afterVarint(bytes, at + 1);
  }
  if (at < end && bytes[at] === NANOS) {
    nanos = varint(bytes, at + 1, end);
    at = afterVarint(bytes, at + 1);
  }
  if (at !== end) throw new RangeError('Something else stands beside seconds and nanos.');
  if (nanos >= 1000 * MILLION) throw new RangeError('A second has no more than 999,999,999 nanos.');
  const micros = Math.floor(Number(nanos) / 1000);
  if (typeof seconds === 'number' && seconds < 2 ** 32) return BigInt(seconds * MILLION + micros);
  return BigInt(seconds) * BigInt(MILLION) + BigInt(micros);
}

function readDouble(bytes: Buffer, from: number, end: number): StoredValue {
  requireLength(from + 8, end);
  const value = bytes.readDoubleLE(from);
  return Number.isNaN(value) ? null : value;
}

function readFloat(bytes: Buffer, from: number, end: number): StoredValue {
  requireLength(from + 4, end);
  const value = bytes.readFloatLE(from);
  return Number.isNaN(value) ? null : value;
}

function readBool(bytes: Buffer, from: number, end: number): StoredValue {
  const value = lastVarint(bytes, from, end);
  return value !== 0;
}

function readInt64(bytes: Buffer, from: number, end: number): StoredValue {
  const value = lastVarint(bytes, from, end);
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function readInt32(bytes: Buffer, from: number, end: number): StoredValue {
  const value = Number(lastVarint(bytes, from, end));
  if (value !== (value | 0)) throw new RangeError(`${value} is no int32.`);
  return value;
}

function readString(bytes: Buffer, from: number, end: number): StoredValue {
  const length = varint(bytes, from, end);
  const start = afterVarint(bytes, from);
  requireLength(start + Number(length), end);
  if (!isUtf8(bytes.subarray(start, end))) throw new RangeError('Its text is no UTF-8.');
  return bytes.toString('utf8', start, end);
}

function lastVarint(bytes: Buffer, from: number, end: number): number | bigint {
  const value = varint(bytes, from, end);
  requireLength(afterVarint(bytes, from), end);
  return value;
}

/** A varint as a signed 64-bit integer: a number up to seven bytes (49 bits), a bigint beyond. */
function varint(bytes: Buffer, from: number, end: number): number | bigint {
  let value = 0;
  let scale = 1;
  const last = Math.min(from + 7, end);
  for (let at = from; at < last; at++) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
  return BigInt.asIntN(64, readVarint(bytes.subarray(from, end), 0).value);
}

function afterVarint(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at]! > 127) at++;
  return at + 1;
}

function requireLength(found: number, expected: number): void {
  if (found !== expected) throw new RangeError(`It is ${expected - found} bytes too long for its type.`);
}
