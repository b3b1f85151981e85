import type { ModelKind } from './model';

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

/** Rows by their class, then by the class that was answered: `counts[actual][predicted]`. */
export interface Confusion {
  classes: string[];
  counts: number[][];
}

/** An evaluation as it travels through a workflow: without what grows with the number of classes. */
export interface EvaluationSummary {
  formatVersion: 2;
  model: string;
  kind: ModelKind;
  version: string;
  /** sha256 of the artifact that was scored. */
  artifactHash: string;
  snapshot: string;
  rows: number;
  /**
   * By name; one that the rows leave undefined is absent.
   * - tabular-classifier (threshold 0.5): auc, prAuc, logLoss, brier, calibrationError, accuracy, precision, recall, f1.
   * - text-classifier: accuracy, macroF1, weightedF1, logLoss; `precision.<class>`, `recall.<class>`, `f1.<class>`.
   * - tabular-regressor: rmse, mae, mape (a share), r2.
   * - metric-anomaly: falseAlarmRate and alertRate by points; recall, precision and f1 by labelled windows.
   */
  metrics: Record<string, Metric>;
  /** Null for a first version. Differences are candidate − champion on the same rows, by paired bootstrap. */
  champion: { version: string; metrics: Record<string, Metric>; differences: Record<string, Metric> } | null;
  /** Milliseconds for one row, encoding included, on one thread. */
  latency: { p50: number; p95: number };
  bootstrap: { resamples: number; seed: number };
  gate: { verdict: Verdict; rules: GateRule[] };
  evaluatedAt: string;
}

/** `evaluation.json` of a version. */
export interface Evaluation extends EvaluationSummary {
  /** Of classifiers. */
  confusion: Confusion | null;
}

/** Whether a metric speaks of one class only: `f1.<class>`. */
const isOfOneClass = (metric: string): boolean => metric.includes('.');

export function summarize(evaluation: Evaluation): EvaluationSummary {
  const overall = (metrics: Record<string, Metric>): Record<string, Metric> =>
    Object.fromEntries(Object.entries(metrics).filter(([name]) => !isOfOneClass(name)));
  const summary: EvaluationSummary & { confusion?: unknown } = { ...evaluation };
  delete summary.confusion;
  const { metrics, champion } = evaluation;
  return {
    ...summary,
    metrics: overall(metrics),
    champion: champion && {
      ...champion,
      metrics: overall(champion.metrics),
      differences: overall(champion.differences),
    },
  };
}
