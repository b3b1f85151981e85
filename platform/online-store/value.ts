import { ErrorCode, MeridianError } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { ByteWriter } from './bytes';

export type FeatureType = FeatureView['features'][number]['type'];
/** int64 comes as a number where that is exact, else as a bigint. */
export type StoredValue = string | number | bigint | boolean | null;

/** Tag byte of each type's field in `feast.types.Value`'s oneof: field number × 8 + wire type. */
export const TAG: Record<FeatureType, number> = {
  string: 0x12,
  int32: 0x18,
  int64: 0x20,
  double: 0x29,
  float: 0x35,
  bool: 0x38,
};

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
      `A feature value: expected ${type}, found the ${typeof value} ${mask(value)}.`,
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
