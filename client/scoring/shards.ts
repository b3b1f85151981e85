import { createHash } from 'node:crypto';

/**
 * The scorer that remembers what this request ID was answered: the first four bytes (big-endian) of the SHA-256 of the ID, modulo the
 * number of scorers. Everyone who calls a model counts its scorers alike, whatever language they write.
 */
export function shardOf(requestId: string, shards: number): number {
  return createHash('sha256').update(requestId).digest().readUInt32BE(0) % shards;
}
