import type { Day } from './days';
import { Key } from './ids';

/**
 * What lies in a day's partition of `anomalies/<model>/`: an object a version, and a manifest beside it, written last.
 * Readers of Parquet skip what begins with an underscore.
 */
export const anomaliesKey = (model: string, day: Day, version: string): string =>
  `${Key.anomalies(model, day)}${version}.parquet`;
export const batchManifestKey = (model: string, day: Day, version: string): string =>
  `${Key.anomalies(model, day)}_${version}.json`;

/** What a day's points came to under one version. */
export interface ScoredPoints {
  /** Points of the day in the source. */
  points: number;
  /** Of these, points with a score: a row of the object each. */
  scored: number;
  /** Of the scored ones, those above the threshold of their series. */
  anomalous: number;
  /** Points without a score, because no whole window ends at them: after a gap, or where a series begins. */
  withoutWindow: number;
  /** Points without a score, because the version has not learnt their series. */
  ofUnknownSeries: number;
  /** At most fifty of those series, by name. */
  unknownSeries: string[];
}

/** `_<version>.json`: the day is scored, and by what. */
export interface BatchManifest extends ScoredPoints {
  formatVersion: 1;
  model: string;
  version: string;
  day: Day;
  object: { key: string; sha256: string; bytes: number };
  /** The partitions read, those of the days before for the day's first windows as well: key and ETag. */
  sources: { key: string; etag: string }[];
  /** ISO 8601, UTC. */
  scoredAt: string;
}

/** What became of a day. */
export interface ScoredDay extends ScoredPoints {
  day: Day;
  /** False where the day had been scored by this version on these points before. */
  written: boolean;
}

/** What a candidate, and what serves, say of the newest day. */
export interface Rehearsal {
  day: Day;
  candidate: { scored: number; anomalous: number };
  champion: { scored: number; anomalous: number } | null;
}
