import type { AuditEntry, AuditHead } from '../../contracts/audit';
import { canonicalJson } from '../../contracts/canonical-json';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { ObjectStore } from '../../platform/s3';
import { seal } from './chain';

interface AuditRequest extends Pick<AuditEntry, 'model' | 'who' | 'what' | 'why' | 'before' | 'after'> {
  /** Where the log ended when this was decided. */
  previous: AuditHead | null;
}

export function createAuditActivities({ store }: { store: ObjectStore }) {
  return {
    /** Appends one entry to a model's hash-chained log; a repeated call finds its own entry. */
    async append({ previous, ...facts }: AuditRequest): Promise<AuditHead> {
      const n = (previous?.n ?? 0) + 1;
      const key = Key.audit(facts.model, n);
      const entry = seal({
        formatVersion: 1,
        n,
        when: new Date().toISOString(),
        previous: previous?.hash ?? null,
        ...facts,
      });
      if (await store.create(key, canonicalJson(entry))) return { n, hash: entry.hash };
      const existing = await store.getJson<AuditEntry>(key);
      if (existing.what === entry.what && canonicalJson(existing.after) === canonicalJson(entry.after)) {
        return { n, hash: existing.hash };
      }
      throw new MeridianError(
        ErrorCode.Conflict,
        `${store.uri(key)}: expected to append ${entry.what} by ${entry.who}, found ${existing.what} by ${existing.who}. ` +
          'Somebody else writes this log; find out who before you retry.',
      );
    },
  };
}
