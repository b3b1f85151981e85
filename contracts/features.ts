import type { QualityFinding } from './dataset';
import type { Day } from './days';

/**
 * Which partitions `computeFeatures` computes: those that are `missing`; those too whose sources or transformation have
 * `changed` since; `all` of the days asked for; or, looking back for `late` data, those that stand and have changed, and
 * missing ones that come after one that stands (a gap, not a history that was never computed).
 */
export type ComputeScope = 'missing' | 'changed' | 'all' | 'late';

export interface ComputedPartition {
  day: Day;
  key: string;
  rows: number;
  /** False where the partition was there and was kept. */
  computed: boolean;
  /** Checks it was held to; 0 where it was kept. */
  checks: number;
}

/** `reports/features/<view>/dt=<day>.json`: what a partition was computed from, and how it was checked. */
export interface PartitionReport {
  formatVersion: 1;
  view: string;
  version: number;
  day: Day;
  rows: number;
  checkedAt: string;
  /** Hash of the raw objects (key and ETag) and of the transformation; null where others deliver the partition. */
  computedFrom: string | null;
  /** Hash of the partition's own objects (key and ETag) as they were checked; null where nothing was written. */
  partition: string | null;
  passed: boolean;
  /** In words, each with what was measured: `row count: 5,012, 0.4 % more than dt=2026-11-19`. */
  checks: string[];
  findings: QualityFinding[];
  /** The last good partition that this one was compared with; null where there was none. */
  comparedWith: Day | null;
}

export interface MaterializedView {
  view: string;
  entities: number;
  written: number;
  /** Rows that were not newer than what stood there. */
  skipped: number;
  /** Entities taken out of the online store, because no row of theirs is alive any more. */
  removed: number;
  /** Days whose partitions did not pass their checks, and were not loaded. */
  leftOut: Day[];
  /** Entities read back and compared. */
  verified: number;
  /** The day up to which the online store is loaded now. */
  watermark: Day;
  /** Event time of the newest row loaded, ISO 8601; null without rows. */
  newestEvent: string | null;
}

/** `reports/opt-outs/<run>.json`: that everyone who asked to be left out is out, and how that was verified. */
export interface OptOutProof {
  formatVersion: 1;
  /** Version of the list; see `readOptOuts`. */
  version: string;
  at: string;
  /** Entities on the list. */
  entities: number;
  /** Entities whose online features this run removed. */
  removed: number;
  /** Entities read back afterwards: each bears the mark of who is left out, and none holds a feature. */
  verified: number;
  /** sha256 over the sorted keys of the list's entities: proves which list was carried out without naming anybody. */
  digest: string;
  views: string[];
  /** Snapshots that hold somebody on the list, and from when on they may not be used any more. */
  expiring: { model: string; snapshot: string; entities: number; expiresAt: string; deletedAt?: string }[];
  /** Texts of theirs that this run took out of the batches of label reviews. */
  erasedTexts?: number;
  /** Rows of the list whose values cannot be such join keys (`customer_id int64`), and so name nobody by them. */
  unfit?: { joinKeys: string; rows: number }[];
}

/** A sample of one view's entities, online and offline side by side. */
export interface StoreComparison {
  view: string;
  /** The day up to which the view is loaded; null where it never was. */
  watermark: Day | null;
  compared: number;
  equal: number;
  /** Entities whose online row is newer, because it was pushed: neither equal nor different. */
  pushed: number;
  /** equal / (compared − pushed); 1 where there is nothing to compare. */
  score: number;
  /** At most five, masked where personal: `customer_id=C000017: plan offline "team", online nothing`. */
  examples: string[];
}
