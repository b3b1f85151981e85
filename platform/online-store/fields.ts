import murmurhash from 'murmurhash';
import { storedName, type StoredView } from '../../contracts/feature-view';

/** The hash field of a feature: MurmurHash3 (x86, 32 bits, seed 0) of `view:feature`, as four little-endian bytes. */
export function featureField(view: string, feature: string): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32LE(murmurhash.v3(Buffer.from(`${view}:${feature}`)));
  return field;
}

/** The hash field of a view's event time, as Feast writes and reads it. */
export const timestampField = (view: string): Buffer => Buffer.from(`_ts:${view}`);

/**
 * A field of our own, which Feast neither writes nor reads: event and created time (`ByteWriter.order` of microseconds),
 * how many features the row has (u16) and a hash of their values (48 bits), all big-endian, then the bytes of the `_ts` they
 * belong to. It counts only while that `_ts` still stands.
 */
export const createdField = (view: string): Buffer => Buffer.from(`_created:${view}`);

/** Where the parts of `_created` begin. */
export const CREATED_AT = 8;
export const TIMESTAMP_AT = 24;

/**
 * The only field of an entity that has opted out: when it was forgotten (microseconds, eight bytes, little-endian). No
 * row of such an entity is written any more.
 */
export const optedOutField = Buffer.from('_opted_out');

/** Every field that a view has in an entity's hash: `_ts`, `_created`, then the features in the view's order. */
export function fieldsOf(view: StoredView & { features: readonly { name: string }[] }): Buffer[] {
  const name = storedName(view);
  return [
    timestampField(name),
    createdField(name),
    ...view.features.map((feature) => featureField(name, feature.name)),
  ];
}
