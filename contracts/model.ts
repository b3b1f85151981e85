export type { FeatureView, ModelDeclaration } from './generated/types';
import type { Provenance } from './decision';
import type { ModelDeclaration } from './generated/types';

/** A declaration as published, with what its jobs run. Resolved once, by a run's first activity. */
export interface ResolvedDeclaration {
  /** sha256 of the declaration's canonical JSON: its name in `declarations/<model>/<hash>.json`. */
  hash: string;
  declaration: ModelDeclaration;
  /** `code/<hash>.tar.gz`: the training program and the library it imports. */
  code: { key: string; hash: string };
}

/** What lies at `declarations/<model>/current.json`. */
export interface DeclarationPointer {
  hash: string;
  code: { key: string; hash: string };
  publishedAt: string;
}

/**
 * `signature.json`, beside `model.onnx`: how feature values become the graph's input, so that training and serving
 * cannot disagree. The input is one float32 tensor of shape [rows, inputs.length], columns in the order of `inputs`:
 * numbers as they are, booleans as 1 and 0, categories as their index in `categories`; null, and a category that
 * training never saw, as NaN.
 */
export interface ModelSignature {
  formatVersion: 1;
  kind: ModelDeclaration['kind'];
  inputs: { name: string; type: 'number' | 'boolean' | 'category'; categories?: string[] }[];
  /** Names of the graph's input and output; `positiveColumn` is the output's column that holds the prediction. */
  graph: { input: string; output: string; positiveColumn: number };
  classes: [negative: string, positive: string];
}

export type FeatureValue = number | boolean | string | null;
export type FeatureRow = Record<string, FeatureValue>;

/** `golden.json`: rows every loader of the artifact must reproduce before it may serve. */
export interface GoldenRows {
  formatVersion: 1;
  /** Largest absolute difference allowed. */
  tolerance: number;
  rows: { features: FeatureRow; expected: number }[];
}

/** One feature (or the prediction) as the training rows had it: the reference of every later drift figure. */
export interface BaselineColumn {
  type: 'number' | 'boolean' | 'category';
  /** Rows with a value, and rows without one (their share is the null bin's). */
  count: number;
  nulls: number;
  /** Numbers only: the nine inner decile edges; the outer bins are open. */
  deciles?: number[];
  mean?: number;
  /** The population's (divided by count). */
  variance?: number;
  /** Numbers only: at most 1,000 values, evenly spaced in rank, for KS. */
  sample?: number[];
  /** Booleans ("true", "false") and categories: count by value. */
  categories?: Record<string, number>;
}

/** `baseline.json`: computed on the training split by the training program. */
export interface Baseline {
  formatVersion: 1;
  rows: number;
  features: Record<string, BaselineColumn>;
  prediction: BaselineColumn;
}

/** `manifest.json` of `models/<model>/<version>/`; its own sha256 is the version's artifact hash. */
export interface ArtifactManifest {
  formatVersion: 1;
  model: string;
  version: string;
  provenance: Provenance;
  /** model.onnx, signature.json, baseline.json, golden.json, training.json … */
  files: Record<string, { sha256: string; bytes: number }>;
}

/** `training.json`: what the training program reports of itself. */
export interface TrainingReport {
  formatVersion: 1;
  framework: string;
  seed: number;
  rows: { train: number; validation: number; test: number };
  bestIteration: number;
  /** Final metrics on the held-out rows, by the training program's own computation. */
  metrics: Record<string, number>;
  /** Largest difference between the native model and the ONNX graph over every held-out row. */
  parity: { rows: number; maxDifference: number };
  hyperparameters: Record<string, string | number | boolean>;
  environment: { python: string; packages: Record<string, string> };
  featureImportance: Record<string, number>;
}

/** One line of `metrics.jsonl`: metrics by step, as the training program measured them. */
export interface MetricLine {
  step: number;
  /** Epoch milliseconds. */
  timestamp: number;
  metrics: Record<string, number>;
}
