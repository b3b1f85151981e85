import type { Day } from './days';

/** A snapshot: immutable, content-addressed. The same request over the same data gives the same snapshot. */
export interface DatasetSnapshot {
  model: string;
  /** First 16 hex digits of the sha256 of the manifest's content. */
  snapshot: string;
  /** `datasets/<model>/<snapshot>/`, with `train/`, `validation/` and `test/` below it (a SageMaker channel each). */
  prefix: string;
  rows: Record<Split, number>;
  /** Rows of the positive class; of tabular classifiers only. */
  positives?: Record<Split, number>;
  /** Rows by class; of text classifiers only. */
  classes?: Record<Split, Record<string, number>>;
}

export type Split = 'train' | 'validation' | 'test';

/** By what rows were split, so that it can be told later who learnt from which. */
export interface SplitRule {
  salt: string;
  holdOutShare: number;
  validationShare: number;
  /** Whether every entity's rows lie in one split, as salt and shares decide. */
  entitiesApart: boolean;
  /** The observation days of each split, oldest first; null where time decides nothing. */
  days: Record<Split, Day[]> | null;
}

/** One split, as its file holds it. */
export interface ManifestSplit {
  key: string;
  sha256: string;
  bytes: number;
  rows: number;
  /** Of tabular classifiers only. */
  positives?: number;
  /** Of text classifiers only: rows by class. */
  classes?: Record<string, number>;
}

/** `manifest.json` beside the splits. */
export interface DatasetManifest {
  formatVersion: 1;
  model: string;
  snapshot: string;
  declarationHash: string;
  /** Hash of the sources that build snapshots, the same however they are run. */
  codeVersion: string;
  /** The observation days, oldest first, and the newest day whose data was used. */
  window: { asOf: string; days: string[] };
  views: { name: string; version: number }[];
  splitRule: SplitRule;
  /** Whether rows use only features that were known at their time. */
  asKnown: boolean;
  /** The list that the rows were held against; `owners`: join keys of those whom rows belong to, where they do. */
  optOuts: { version: string; entities: number; owners?: string[] };
  /** The partitions read: key and ETag. */
  sources: { key: string; etag: string }[];
  splits: Record<Split, ManifestSplit>;
  /** Of metric-anomaly only, where people have labelled any: windows called anomalous, by which versions are judged. */
  windows?: { key: string; sha256: string; bytes: number; rows: number };
  columns: {
    name: string;
    role: 'entity' | 'series' | 'event_timestamp' | 'feature' | 'label';
    type: string;
  }[];
}

/** What a snapshot says of its splits' rows, as the manifest counts them. */
export function splitCounts({
  train,
  validation,
  test,
}: DatasetManifest['splits']): Pick<DatasetSnapshot, 'rows' | 'positives' | 'classes'> {
  const ofEach = <T>(count: (split: ManifestSplit) => T | undefined): Record<Split, T> | undefined => {
    const counts = { train: count(train), validation: count(validation), test: count(test) };
    return Object.values(counts).includes(undefined) ? undefined : (counts as Record<Split, T>);
  };
  const positives = ofEach((split) => split.positives);
  const classes = ofEach((split) => split.classes);
  return {
    rows: { train: train.rows, validation: validation.rows, test: test.rows },
    ...(positives && { positives }),
    ...(classes && { classes }),
  };
}

/** `expires.json` beside a snapshot's manifest: from when on nothing may be trained or judged on it any more. */
export interface SnapshotExpiry {
  /** ISO 8601, UTC. */
  expiresAt: string;
  because: string;
  /** Version of the opt-out list that it was held against. */
  listVersion: string;
  /** Entities in it that are on that list. */
  entities: number;
  /** When its rows were deleted, ISO 8601; absent as long as they are there. */
  deletedAt?: string;
}

export interface QualityFinding {
  /** `features/customer_usage dt=2026-11-20` or `datasets/churn/<snapshot>/train`. */
  where: string;
  check: string;
  found: string;
  expected: string;
  /** At most five examples (join keys), so that a person can look. */
  examples: string[];
}

export interface QualityReport {
  passed: boolean;
  checks: number;
  findings: QualityFinding[];
}
