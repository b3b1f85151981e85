import murmurhash from 'murmurhash';

/** The hash field of a feature: MurmurHash3 (x86, 32 bits, seed 0) of `view:feature`, as four little-endian bytes. */
export function featureField(view: string, feature: string): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32LE(murmurhash.v3(Buffer.from(`${view}:${feature}`)));
  return field;
}

/** The hash field of a view's event time, as Feast writes and reads it. */
export const timestampField = (view: string): Buffer => Buffer.from(`_ts:${view}`);

/**
 * A field of our own, which Feast neither writes nor reads: the bytes of the `_ts` it belongs to, then the created time
 * (microseconds + 2^63, eight bytes, big-endian). It counts only while that `_ts` still stands.
 */
export const createdField = (view: string): Buffer => Buffer.from(`_created:${view}`);

export function encodeCreated(micros: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(micros + 2n ** 63n);
  return bytes;
}
