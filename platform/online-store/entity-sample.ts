import { redisFailure, type Redis } from '../redis';
import { encodeNames, TYPE_ID, type JoinKey, type JoinKeyValue } from './entity-key';

export interface SampleRequest {
  /** Where in the key space to begin: another number finds other entities, in a store larger than the sample. */
  from: number;
  /** Entities to find at most. */
  atMost: number;
}

/** Keys looked at, for each entity wanted: a store may hold other entities by far. */
const KEYS_PER_ENTITY = 20;
const KEYS_PER_SCAN = 1_000;
const BYTES = { int32: 4, int64: 8 } as const;

/**
 * Scans a bounded piece of the key space. The server takes any number for a cursor; of one that it never gave it
 * promises no completeness, which a sample does not need.
 */
export async function sampleEntities(
  redis: Redis,
  project: string,
  joinKeys: readonly JoinKey[],
  { from, atMost }: SampleRequest,
): Promise<Record<string, JoinKeyValue>[]> {
  const decode = entityKeyDecoder(project, joinKeys);
  const found = new Map<string, Record<string, JoinKeyValue>>();
  const mostScans = Math.ceil((atMost * KEYS_PER_ENTITY) / KEYS_PER_SCAN) + 1;
  let cursor = String(from);
  for (let scans = 0; scans < mostScans && found.size < atMost; scans += 1) {
    const [next, keys] = await redis
      .scanBuffer(cursor, 'COUNT', KEYS_PER_SCAN)
      .catch((error: unknown) => Promise.reject(redisFailure(redis, error)));
    for (const key of keys) {
      const entity = decode(key);
      if (entity && found.size < atMost) found.set(key.toString('latin1'), entity);
    }
    cursor = next.toString();
    // Round the end of the key space, unless that is where it began.
    if (cursor === '0' && from === 0) break;
  }
  return [...found.values()];
}

/** The way back from `entityKeyEncoder`: null for keys of other entities, other projects, or no entity at all. */
export function entityKeyDecoder(
  project: string,
  joinKeys: readonly JoinKey[],
): (key: Buffer) => Record<string, JoinKeyValue> | null {
  const sorted = [...joinKeys].sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = encodeNames(sorted);
  const suffix = Buffer.from(project);
  return (key) => {
    if (!key.subarray(0, names.length).equals(names)) return null;
    const entity: Record<string, JoinKeyValue> = {};
    let at = names.length;
    for (const { name, type } of sorted) {
      if (at + 8 > key.length || key.readUInt32LE(at) !== TYPE_ID[type]) return null;
      const from = at + 8;
      at = from + key.readUInt32LE(at + 4);
      if (at > key.length || (type !== 'string' && at - from !== BYTES[type])) return null;
      entity[name] = decodeJoinKey(type, key.subarray(from, at));
    }
    return key.subarray(at).equals(suffix) ? entity : null;
  };
}

function decodeJoinKey(type: JoinKey['type'], bytes: Buffer): JoinKeyValue {
  if (type === 'string') return bytes.toString('utf8');
  return type === 'int32' ? BigInt(bytes.readInt32LE()) : bytes.readBigInt64LE();
}
