export type { FeatureView, ModelDeclaration } from './generated/types';
import type { Provenance, PublishedSource } from './decision';
import type { ModelDeclaration } from './generated/types';

export type ModelKind = ModelDeclaration['kind'];

/** A model that learns from labels: every kind but metric-anomaly. */
export type SupervisedDeclaration = ModelDeclaration & { label: NonNullable<ModelDeclaration['label']> };
export type LabelDeclaration = SupervisedDeclaration['label'];
export const isSupervised = (declaration: ModelDeclaration): declaration is SupervisedDeclaration =>
  declaration.label !== undefined;

/** A model that learns from raw series, without labels. */
export type SeriesDeclaration = ModelDeclaration & { series: NonNullable<ModelDeclaration['series']> };
export const isOfSeries = (declaration: ModelDeclaration): declaration is SeriesDeclaration =>
  declaration.series !== undefined;

/** A declaration as published, with what its jobs run. Resolved once, by a run's first activity. */
export interface ResolvedDeclaration {
  /** sha256 of the declaration's canonical JSON: its name in `declarations/<model>/<hash>.json`. */
  hash: string;
  declaration: ModelDeclaration;
  /** `code/<hash>.tar.gz`: the training program and the library it imports. */
  code: { key: string; hash: string };
  /** Absent in what was published before it was asked for. */
  source?: PublishedSource;
}

/** What lies at `declarations/<model>/current.json`. */
export interface DeclarationPointer {
  hash: string;
  code: { key: string; hash: string };
  source?: PublishedSource;
  publishedAt: string;
}

/** `signature.json`, beside `model.onnx`: how what callers send becomes the graph's input, in training and in serving alike. */
export type ModelSignature = TabularSignature | TextSignature | SeriesSignature;

/**
 * The input is one float32 tensor of shape [rows, inputs.length], columns in the order of `inputs`: numbers as they are,
 * booleans as 1 and 0, categories as their index in `categories`; null, and a category that training never saw, as NaN.
 */
export interface TabularSignature {
  formatVersion: 1;
  kind: 'tabular-classifier' | 'tabular-regressor';
  inputs: { name: string; type: 'number' | 'boolean' | 'category'; categories?: string[] }[];
  /** Names of the graph's input and output; `positiveColumn` is the output's column that holds the prediction. */
  graph: { input: string; output: string; positiveColumn: number };
  /** The negative and the positive class; none of a regressor. */
  classes?: [negative: string, positive: string];
}

/**
 * Two int64 tensors of shape [rows, tokens]: the tokenizer's ids, each text cut to `maxTokens` (special tokens included) and
 * padded on the right with `padId` to the longest of its batch, and 1 where a token is, 0 where it is padding. The output
 * is float32 [rows, classes.length]: probabilities.
 */
export interface TextSignature {
  formatVersion: 1;
  kind: 'text-classifier';
  inputs: [{ name: string; type: 'text' }];
  /** Files beside the graph, as Hugging Face's tokenizers write them. */
  tokenizer: { file: string; config: string; maxTokens: number; padId: number };
  graph: { ids: string; mask: string; output: string };
  classes: string[];
}

/**
 * Three tensors: float32 [rows, windowSteps], the raw values of a window, oldest first; float32 [rows], the minute of the
 * day (UTC) of the newest; int64 [rows], the index of the series in `series`. Normalisation is inside the graph. The
 * output is float32 [rows]: the reconstruction error over the threshold of that series, so that above 1 is anomalous.
 */
export interface SeriesSignature {
  formatVersion: 1;
  kind: 'metric-anomaly';
  everySeconds: number;
  windowSteps: number;
  series: string[];
  graph: { values: string; minute: string; series: string; output: string };
}

export type FeatureValue = number | boolean | string | null;
export type FeatureRow = Record<string, FeatureValue>;

/** `golden.json`: rows every loader of the artifact must reproduce before it may serve. */
export interface GoldenRows<Row = GoldenRow> {
  formatVersion: 1;
  /** Largest absolute difference allowed. */
  tolerance: number;
  rows: Row[];
}

export interface GoldenRow {
  features: FeatureRow;
  expected: number;
}

export interface TextGoldenRow {
  text: string;
  /** The ids that the tokenizer gave in training. */
  ids: number[];
  /** A probability a class. */
  expected: number[];
}

export interface SeriesGoldenRow {
  series: string;
  /** Of the newest value: minute of the day, UTC. */
  minute: number;
  /** Oldest first. */
  values: number[];
  expected: number;
}

/** One feature (or the prediction) as the training rows had it: the reference of every later drift figure. */
export interface BaselineColumn {
  type: 'number' | 'boolean' | 'category' | 'text';
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
  /** Texts only: how long they were, in code points, and in tokens as they were cut. */
  characters?: BaselineColumn;
  tokens?: BaselineColumn;
}

/** `baseline.json`: computed on the training split by the training program. */
export interface Baseline {
  formatVersion: 1;
  rows: number;
  features: Record<string, BaselineColumn>;
  /** Text classifiers only: how often each class was labelled. */
  label?: BaselineColumn;
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
  /** The round or epoch whose weights were kept. */
  bestIteration: number;
  /** Final metrics on the held-out rows, by the training program's own computation. */
  metrics: Record<string, number>;
  /** Largest difference between the native model and the ONNX graph over every held-out row. */
  parity: { rows: number; maxDifference: number };
  hyperparameters: Record<string, string | number | boolean>;
  /** `hardware` is absent in what was trained before it was asked for. */
  environment: { python: string; packages: Record<string, string>; hardware?: Hardware };
  featureImportance: Record<string, number>;
  /** Text classifiers only: the graph with int8 weights, and whether it was kept. */
  quantisation?: QuantisationReport;
}

/** The graph as it was trained and with int8 weights, on the same validation rows. */
export interface QuantisationReport {
  method: string;
  /** Whether macro-F1 dropped by less than `limit`: then model.onnx is the int8 graph. */
  accepted: boolean;
  drop: number;
  limit: number;
  /** Validation rows. */
  rows: number;
  fp32: QuantisedGraph;
  int8: QuantisedGraph;
}

/** `latencyMs`: median of one text at a time, on one thread. */
interface QuantisedGraph {
  macroF1: number;
  bytes: number;
  latencyMs: number;
}

/** The machine that a training ran on; null where it does not tell. */
export interface Hardware {
  instanceType: string | null;
  cpu: string | null;
  cpus: number;
  memoryBytes: number | null;
  gpus: string[];
}

/** One line of `metrics.jsonl`: metrics by step, as the training program measured them. */
export interface MetricLine {
  step: number;
  /** Epoch milliseconds. */
  timestamp: number;
  metrics: Record<string, number>;
}
