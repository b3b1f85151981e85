import type { AuditEntry, AuditHead } from '../../contracts/audit';
import { canonicalJson } from '../../contracts/canonical-json';
import { sha256, type ObjectStore } from '../../platform/s3';

/** The entry with its hash: sha256 of its canonical JSON. */
export function seal(entry: Omit<AuditEntry, 'hash'>): AuditEntry {
  return { ...entry, hash: sha256(canonicalJson(entry)) };
}

/** Where a model's log ends, read from the bucket. */
export async function findHead(store: ObjectStore, model: string): Promise<AuditHead | null> {
  const entries = await store.list(`audit/${model}/`);
  const last = entries.at(-1);
  if (!last) return null;
  const { n, hash } = await store.getJson<AuditEntry>(last.key);
  return { n, hash };
}
