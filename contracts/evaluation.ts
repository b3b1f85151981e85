export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface Metric {
  value: number;
  /** 95 % bootstrap interval. */
  low: number;
  high: number;
}

export interface GateRule {
  rule: string;
  verdict: Verdict;
  found: string;
  expected: string;
}

/** `evaluation.json` of a version. */
export interface Evaluation {
  formatVersion: 1;
  model: string;
  version: string;
  /** sha256 of the artifact that was scored. */
  artifactHash: string;
  snapshot: string;
  rows: number;
  positives: number;
  /** auc, prAuc, logLoss, brier, calibrationError, accuracy, precision, recall, f1 (threshold 0.5). */
  metrics: Record<string, Metric>;
  confusion: { truePositive: number; falsePositive: number; trueNegative: number; falseNegative: number };
  /** Null for a first version. Differences are candidate − champion on the same rows, by paired bootstrap. */
  champion: { version: string; metrics: Record<string, Metric>; differences: Record<string, Metric> } | null;
  /** Milliseconds for one row, encoding included, on one thread. */
  latency: { p50: number; p95: number };
  bootstrap: { resamples: number; seed: number };
  gate: { verdict: Verdict; rules: GateRule[] };
  evaluatedAt: string;
}
