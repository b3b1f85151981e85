import { join } from 'node:path';
import type { BatchManifest, ScoredDay, ScoredPoints } from '../../contracts/batch';
import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ServedVersion } from '../../contracts/release';
import { openDatabase } from '../../platform/duckdb';
import { loadArtifact } from '../../platform/onnx/artifact';
import type { SeriesModel } from '../../platform/onnx/loaded-model';
import { windowsOf } from '../../platform/onnx/series-windows';
import { withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { readDay, type DayOfPoints } from './points';
import { findManifest, publishDay, toParquet, type BatchPartition } from './write';

export interface ScoreDayRequest {
  model: string;
  served: ServedVersion;
  /** The raw table of points. */
  table: string;
  day: Day;
}

/** Heartbeat details: where the scoring of a day is, as the Temporal UI shows it. */
export interface ScoreDayHeartbeat {
  phase: 'loading' | 'reading' | 'scoring' | 'writing';
  day: Day;
  /** Points with a score. */
  done: number;
}

const MOST_NAMES = 50;

/** @see createBatchActivities */
export async function scoreDay(
  store: ObjectStore,
  { model, served, table, day }: ScoreDayRequest,
): Promise<ScoredDay> {
  const partition: BatchPartition = { model, version: served.version, day };
  const beat = (phase: ScoreDayHeartbeat['phase'], done = 0): void =>
    heartbeat({ phase, day, done } satisfies ScoreDayHeartbeat);
  return withPartitionCache(store, async (cache) => {
    beat('loading');
    const artifact = await loadSeriesModel(store, served);
    const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
    try {
      beat('reading');
      const read = await readDay(database, cache, { table, day, signature: artifact.signature });
      const sources = read.sources.map(({ key, etag }) => ({ key, etag })).sort(byKey);
      const standing = await findManifest(store, partition);
      if (standing && JSON.stringify(standing.sources) === JSON.stringify(sources))
        return told(standing, false);

      const { newest, scores } = await scorePoints(artifact, read, (done) => beat('scoring', done));
      beat('writing', newest.length);
      const body = await toParquet(database, cache.folder, partition, read.points, newest, scores);
      const counts = countPoints(read, scores);
      return told(await publishDay(store, partition, body, { ...counts, sources }), true);
    } finally {
      database.close();
      await artifact.release();
    }
  });
}

/** Scores each point of the day at which a whole window ends: its row in the points read, and its score. */
export async function scorePoints(
  artifact: SeriesModel,
  { points, begins }: DayOfPoints,
  onBatch: (done: number) => void,
): Promise<{ newest: Uint32Array; scores: Float32Array }> {
  const windows = windowsOf(points, artifact.signature);
  const newest = windows.newest.filter((row) => points.time[row]! >= begins);
  return { newest, scores: await artifact.score({ ...windows, newest }, onBatch) };
}

/** What a workflow needs to know of it: its history is no place for every source. */
const told = (manifest: BatchManifest, written: boolean): ScoredDay => {
  const { day, points, scored, anomalous, withoutWindow, ofUnknownSeries, unknownSeries } = manifest;
  return { day, points, scored, anomalous, withoutWindow, ofUnknownSeries, unknownSeries, written };
};

const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** @throws MeridianError BadArtifact where it is no model of series, or cannot be loaded */
export async function loadSeriesModel(store: ObjectStore, served: ServedVersion): Promise<SeriesModel> {
  const artifact = await loadArtifact(store, served);
  if (artifact.kind === 'metric-anomaly') return artifact;
  await artifact.release();
  throw new MeridianError(
    ErrorCode.BadArtifact,
    `${store.uri(served.artifactKey)}: found a version of kind ${artifact.kind}, expected metric-anomaly. ` +
      'Only models of series are scored by the day.',
  );
}

function countPoints({ count, unknown }: DayOfPoints, scores: Float32Array): ScoredPoints {
  const ofUnknownSeries = unknown.reduce((sum, { points }) => sum + points, 0);
  return {
    points: count,
    scored: scores.length,
    anomalous: scores.reduce((sum, score) => sum + (score > 1 ? 1 : 0), 0),
    withoutWindow: count - ofUnknownSeries - scores.length,
    ofUnknownSeries,
    unknownSeries: unknown.slice(0, MOST_NAMES).map(({ series }) => series),
  };
}
