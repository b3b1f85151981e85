import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { FeatureView } from '../../contracts/model';
import { ByteWriter, readVarint } from './bytes';

export type FeatureType = FeatureView['features'][number]['type'];
/** int64 comes as a number where that is exact, else as a bigint. */
export type StoredValue = string | number | bigint | boolean | null;

/** Tag byte of each type's field in `feast.types.Value`'s oneof: field number × 8 + wire type. */
const TAG: Record<FeatureType, number> = {
  string: 0x12,
  int32: 0x18,
  int64: 0x20,
  double: 0x29,
  float: 0x35,
  bool: 0x38,
};
const TYPE_OF_TAG = new Map(Object.entries(TAG).map(([type, tag]) => [tag, type as FeatureType]));

/**
 * Writes a serialized `feast.types.Value`. Zero values are written (a oneof has explicit presence); null, and NaN as
 * in Feast, is the empty message.
 * @throws MeridianError InvalidInput where the value does not fit the type.
 */
export function writeValue(writer: ByteWriter, type: FeatureType, value: StoredValue | undefined): void {
  if (value === null || value === undefined || Number.isNaN(value)) return;
  if (!fits(type, value)) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `A feature value: expected ${type}, found ${show(value)}.`,
    );
  }
  writer.byte(TAG[type]);
  switch (type) {
    case 'string':
      writer.varint(Buffer.byteLength(value as string));
      return writer.utf8(value as string);
    case 'int32':
    case 'int64':
      return writer.varint(value as number | bigint);
    case 'double':
      return writer.double(value as number);
    case 'float':
      return writer.float(value as number);
    case 'bool':
      return writer.byte(value ? 1 : 0);
  }
}

export function encodeValue(type: FeatureType, value: StoredValue): Buffer {
  const writer = new ByteWriter(16);
  writeValue(writer, type, value);
  return writer.finish();
}

/**
 * Reads a serialized `feast.types.Value` of a scalar type; the empty message is null.
 * @throws RangeError where the bytes are no such message.
 */
export function decodeValue(bytes: Buffer): { type: FeatureType | null; value: StoredValue } {
  if (bytes.length === 0) return { type: null, value: null };
  const type = TYPE_OF_TAG.get(bytes[0]!);
  if (type === undefined) throw new RangeError(`A value of field tag ${bytes[0]} is none of ours.`);
  const { value, next } = decodeField(type, bytes);
  if (next !== bytes.length) throw new RangeError(`${bytes.length - next} bytes follow the value.`);
  return { type, value };
}

function decodeField(type: FeatureType, bytes: Buffer): { value: StoredValue; next: number } {
  switch (type) {
    case 'double':
      return { value: bytes.readDoubleLE(1), next: 9 };
    case 'float':
      return { value: bytes.readFloatLE(1), next: 5 };
    default: {
      const { value, next } = readVarint(bytes, 1);
      if (type === 'bool') return { value: value !== 0n, next };
      if (type === 'string') {
        const end = next + Number(value);
        if (end > bytes.length) throw new RangeError('The bytes end within a string.');
        return { value: bytes.toString('utf8', next, end), next: end };
      }
      const integer = BigInt.asIntN(64, value);
      const number = Number(integer);
      return { value: Number.isSafeInteger(number) ? number : integer, next };
    }
  }
}

function fits(type: FeatureType, value: string | number | bigint | boolean): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'double':
    case 'float':
      return typeof value === 'number';
    case 'int32':
      return Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31;
    case 'int64':
      return typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
  }
}
