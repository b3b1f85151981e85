import type { ReleaseDecision } from './generated/types';
import type { Prediction, SeriesPrediction } from './scoring';

/** One version as workers load it. */
export interface ServedVersion {
  /** `churn-v1.0.0` */
  version: string;
  /** Key of the version's `manifest.json`; the files it names lie beside it. */
  artifactKey: string;
  /** sha256 of that manifest. */
  sha256: string;
}

export interface Variant extends ServedVersion {
  /** Share of live traffic, 0 … 1; a shadow's is 0. */
  weight: number;
  mode: 'live' | 'canary' | 'shadow';
}

/** `serving/<model>/generations/<n>.json`: what serves since when. Immutable; the truth. */
export interface Generation {
  formatVersion: 1;
  n: number;
  /** Lets a writer recognise its own write after a lost reply. */
  decisionId: string;
  /** What was decided. */
  kind: ReleaseDecision['kind'];
  model: string;
  production: ServedVersion;
  variants: Variant[];
  /** Salt of the sticky routing. */
  salt: string;
  previous: number | null;
  who: string;
  why: string;
  /** ISO 8601, UTC. */
  when: string;
}

/** `serving/<model>/release.json`: pointer to the newest generation, moved with If-Match. */
export interface ReleasePointer {
  generation: number;
  key: string;
}

/**
 * `serving/<model>/staging.json`: the version in Staging, which callers may ask by name; null once it is promoted. Moved with
 * If-Match, so that it is never removed but emptied.
 */
export interface StagingPointer {
  staged: ServedVersion | null;
}

/** What every live inference worker keeps in Redis under `meridian:inference:<id>`, with a TTL of 10 s. */
export interface InferenceWorkerRecord {
  id: string;
  /** Base URL of its HTTP server. */
  address: string;
  /** Task queue polled by this worker alone. */
  probeQueue: string;
  startedAt: string;
  /** Per model: the generation served, the versions loaded, and why a newer generation could not be loaded. */
  models: Record<string, { generation: number; versions: string[]; problem: string | null }>;
}

export const inferenceWorkerKey = (id: string): string => `meridian:inference:${id}`;

/** Answer of the activity `probe` on a worker's own queue: what it serves now, proved on a golden row. */
export interface ProbeResult {
  workerId: string;
  generation: number;
  version: string;
  prediction: Prediction | SeriesPrediction;
}
