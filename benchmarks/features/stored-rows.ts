import { createHash } from 'node:crypto';
import type { Redis } from '../../platform/redis';
import { FIELDS } from './tasks/encoded';

/** A hash of what Feast reads of each entity, by the entity's key. */
export type StoredRows = ReadonlyMap<string, string>;

const KEYS_AT_ONCE = 500;

/** Reads every key of the server: the view's features and event time, byte by byte. */
export async function storedRows(redis: Redis): Promise<StoredRows> {
  const rows = new Map<string, string>();
  for await (const found of redis.scanBufferStream({ count: KEYS_AT_ONCE })) {
    const keys = found as Buffer[];
    const pipeline = redis.pipeline();
    for (const key of keys) pipeline.hmgetBuffer(key, ...FIELDS);
    for (const [index, [error, cells]] of (await pipeline.exec())!.entries()) {
      if (error) throw error;
      rows.set(keys[index]!.toString('hex'), digest(cells as (Buffer | null)[]));
    }
  }
  return rows;
}

function digest(cells: readonly (Buffer | null)[]): string {
  const hash = createHash('sha1');
  for (const cell of cells) hash.update(cell === null ? '-' : `${cell.length}:`).update(cell ?? '');
  return hash.digest('hex');
}

/** Entities that only one of the two has, or that have another row in the other. */
export function countUnlike(a: StoredRows, b: StoredRows): number {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].filter((key) => a.get(key) !== b.get(key)).length;
}
