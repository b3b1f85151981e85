/** Where a model's chain of audit entries ends. */
export interface AuditHead {
  n: number;
  hash: string;
}

/** `audit/<model>/<n>.json`: written once; `hash` is the sha256 of the entry's canonical JSON without `hash`. */
export interface AuditEntry {
  formatVersion: 1;
  n: number;
  model: string;
  /** ISO 8601, UTC. */
  when: string;
  who: string;
  what: string;
  why: string;
  before: unknown;
  after: unknown;
  /** Hash of entry n − 1; null for the first. */
  previous: string | null;
  hash: string;
}
