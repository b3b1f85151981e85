import { storedName, type StoredView } from './feature-view';

/** Workflow IDs: one place, so that every starter gives the same work the same name. */
export const WorkflowId = {
  retrain: (model: string, label: string) => `retrain/${model}/${label}`,
  materializeFeatures: (date: string) => `materialize-features/${date}`,
  compareStores: (date: string) => `compare-stores/${date}`,
  reviewLabels: (model: string, quarter: string) => `review-labels/${model}/${quarter}`,
  evaluate: (model: string, version: string) => `evaluate/${model}/${version}`,
  rollOut: (model: string, version: string) => `roll-out/${model}/${version}`,
  release: (model: string) => `release/${model}`,
  scoreBatch: (model: string, date: string) => `score-batch/${model}/${date}`,
  limit: (name: string) => `limit/${name}`,
  scorer: (model: string, shard: number) => `scorer/${model}/${shard}`,
} as const;

/** Keys in the bucket `meridian-ml-data`: one place, so that a reader finds what a writer wrote. */
export const Key = {
  rawPartition: (table: string, day: string) => `raw/${table}/dt=${day}/`,
  featureView: (view: StoredView) => `features/${storedName(view)}/`,
  featurePartition: (view: StoredView, day: string) => `features/${storedName(view)}/dt=${day}/`,
  /** How far the online store has been loaded with a view (readers of Parquet skip `_…`). */
  watermark: (view: StoredView) => `features/${storedName(view)}/_watermark.json`,
  /** A view's definition as published, and the pointer to the newest. */
  viewDefinition: (view: string, hash: string) => `feature-views/${view}/${hash}.json`,
  viewPointer: (view: string) => `feature-views/${view}/current.json`,
  /** How a partition was checked, and what it was computed from. */
  partitionReport: (view: StoredView, day: string) => `reports/features/${storedName(view)}/dt=${day}.json`,
  /** The newest check that a partition did not pass; beside the report of what stands. */
  failedPartitionReport: (view: StoredView, day: string) =>
    `reports/features/${storedName(view)}/dt=${day}.failed.json`,
  optOutProof: (run: string) => `reports/opt-outs/${run}.json`,
  labelPartition: (model: string, day: string) => `labels/${model}/dt=${day}/`,
  reviews: (model: string) => `labels/${model}/reviews/`,
  /** `batch.parquet` and `manifest.json`, both written once; `submissions/`, `votes.json`, `outcome.parquet`. */
  review: (model: string, quarter: string) => `labels/${model}/reviews/${quarter}/`,
  declaration: (model: string, hash: string) => `declarations/${model}/${hash}.json`,
  declarationPointer: (model: string) => `declarations/${model}/current.json`,
  code: (hash: string) => `code/${hash}.tar.gz`,
  /** What the checkout held beyond its commit when that code was published. */
  dirtyDiff: (codeHash: string, diffHash: string) => `code/${codeHash}.${diffHash.slice(0, 12)}.dirty.diff`,
  limits: 'config/limits.json',
  /** What a training cost, for the estimates of later ones. */
  costs: (model: string) => `reports/costs/${model}/`,
  /** That somebody was told something, so that nobody is told twice. */
  told: (what: string) => `reports/told/${what}.json`,
  dataset: (model: string, snapshot: string) => `datasets/${model}/${snapshot}/`,
  trainingOutput: 'training/',
  /** `work` is what all jobs of one step have in common: their name without generation and attempt. */
  checkpoints: (model: string, work: string, generation: number) =>
    `checkpoints/${model}/${work}/g${generation}/`,
  trials: (tuningJob: string) => `training/${tuningJob}/trials.json`,
  version: (model: string, version: string) => `models/${model}/${version}/`,
  reservation: (model: string, version: string) => `models/${model}/${version}/reserved.json`,
  evaluation: (model: string, version: string, id: string) =>
    `models/${model}/${version}/evaluations/${id}.json`,
  generation: (model: string, n: number) => `serving/${model}/generations/${n}.json`,
  releasePointer: (model: string) => `serving/${model}/release.json`,
  stagingPointer: (model: string) => `serving/${model}/staging.json`,
  predictions: (model: string, day: string, hour: string) => `predictions/${model}/dt=${day}/hour=${hour}/`,
  /** A day of a batch model's results; what its objects are called, `contracts/batch.ts` says. */
  anomalies: (model: string, day: string) => `anomalies/${model}/dt=${day}/`,
  /** Captures that fit no row of `predictions`. */
  rejectedPredictions: (model: string) => `predictions/${model}/rejected/`,
  audit: (model: string, n: number) => `audit/${model}/${String(n).padStart(8, '0')}.json`,
} as const;

export const BUCKET = 'meridian-ml-data';
/** The project name in every Feast key. */
export const FEAST_PROJECT = 'meridian';
