import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { ByteWriter } from './bytes';

export type JoinKey = FeatureView['entity']['joinKeys'][number];
export type JoinKeyValue = string | bigint;

/** Feast's ValueType numbers. */
export const TYPE_ID = { string: 2, int32: 3, int64: 4 } as const;
const RANGE = {
  int32: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
} as const;

/**
 * The Redis key of an entity: Feast's entity key, serialization version 3, followed by the project's name.
 *
 *     u32 count, then for each join key (sorted by name): u32 2, u32 length, name
 *     then for each value in that order:                  u32 type, u32 length, bytes;  then the project
 *
 * @returns What makes the key of each entity; what all of them share is encoded once.
 */
export function entityKeyEncoder(
  project: string,
  joinKeys: readonly JoinKey[],
): (entity: Record<string, unknown>) => Buffer {
  const sorted = [...joinKeys].sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = encodeNames(sorted);
  const writer = new ByteWriter(names.length + 64);
  return (entity) => {
    writer.reset();
    writer.bytes(names);
    for (const joinKey of sorted) writeJoinKey(writer, joinKey, entity[joinKey.name]);
    writer.utf8(project);
    return writer.finish();
  };
}

/** The key of one entity; see `entityKeyEncoder`. */
export const encodeEntityKey = (
  project: string,
  joinKeys: readonly JoinKey[],
  entity: Record<string, unknown>,
): Buffer => entityKeyEncoder(project, joinKeys)(entity);

/** How every key of entities with these join keys (sorted by name) begins. */
export function encodeNames(joinKeys: readonly JoinKey[]): Buffer {
  const writer = new ByteWriter(128);
  writer.uint32(joinKeys.length);
  for (const { name } of joinKeys) {
    writer.uint32(TYPE_ID.string);
    writer.lengthPrefixed(() => writer.utf8(name));
  }
  return writer.finish();
}

function writeJoinKey(writer: ByteWriter, joinKey: JoinKey, given: unknown): void {
  const value = coerceJoinKey(joinKey, given);
  writer.uint32(TYPE_ID[joinKey.type]);
  if (typeof value === 'string') {
    writer.uint32(Buffer.byteLength(value));
    writer.utf8(value);
  } else if (joinKey.type === 'int32') {
    writer.uint32(4);
    writer.int32(Number(value));
  } else {
    writer.uint32(8);
    writer.int64(value);
  }
}

/**
 * A join key's value in its declared type, converted as Feast's reader does it: 1001 finds the string key "1001", and
 * "1001" the integer key 1001.
 * @throws MeridianError InvalidInput naming the join key.
 */
export function coerceJoinKey(joinKey: JoinKey, value: unknown): JoinKeyValue {
  if (joinKey.type === 'string') {
    // Half of a surrogate pair would be written as U+FFFD, and so be another entity's key.
    if (typeof value === 'string' && !/\p{Surrogate}/u.test(value)) return value;
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)))
      return String(value);
    throw wrongJoinKey(joinKey, value, 'a string');
  }
  const integer = toInteger(value);
  const { min, max } = RANGE[joinKey.type];
  if (integer === null || integer < min || integer > max) {
    throw wrongJoinKey(joinKey, value, `an integer (${joinKey.type})`);
  }
  return integer;
}

/** @throws MeridianError InvalidInput where it is no object, or names a join key that nobody knows. */
export function refuseUnknownKeys(known: ReadonlySet<string>, entity: unknown): void {
  if (typeof entity !== 'object' || entity === null || Array.isArray(entity))
    throw wrongEntity('entity', show(entity), 'an object of join keys');
  for (const [name, value] of Object.entries(entity)) {
    if (!known.has(name))
      throw wrongEntity(`entity.${name}`, mask(value), `no such join key (known: ${[...known].join(', ')})`);
  }
}

function toInteger(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  return null;
}

const wrongJoinKey = ({ name, personal }: JoinKey, value: unknown, expected: string): MeridianError =>
  wrongEntity(`entity.${name}`, personal ? mask(value) : show(value), expected);

const wrongEntity = (field: string, found: string, expected: string): MeridianError =>
  new MeridianError(ErrorCode.InvalidInput, `${field}: expected ${expected}, found ${found}.`, [
    { field, found, expected },
  ]);
