import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anomaliesKey, batchManifestKey, type BatchManifest } from '../../contracts/batch';
import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { literal, type Database } from '../../platform/duckdb';
import type { SeriesPoints } from '../../platform/onnx/series-windows';
import { sha256, type ObjectStore } from '../../platform/s3';

/** Which day of which model's results, and the version that they are of. */
export interface BatchPartition {
  model: string;
  version: string;
  day: Day;
}

/**
 * The scored points as Parquet: series, time, value, score, anomalous, version; in the order of series and time, so that the
 * same scores are the same bytes.
 * @param rows Indices into `points`, and of each a score.
 */
export async function toParquet(
  database: Database,
  folder: string,
  { version }: BatchPartition,
  points: SeriesPoints,
  rows: Uint32Array,
  scores: Float32Array,
): Promise<Buffer> {
  // How a file is cut into row groups, and so its bytes, must not depend on the machine's threads.
  await database.execute('SET threads = 1');
  await database.execute(
    'CREATE OR REPLACE TABLE scored (series VARCHAR, millis DOUBLE, value DOUBLE, score FLOAT)',
  );
  await database.append('scored', [
    Array.from(rows, (row) => points.names[points.series[row]!]!),
    Array.from(rows, (row) => points.time[row]!),
    Array.from(rows, (row) => points.value[row]!),
    Array.from(scores),
  ]);
  const path = join(folder, 'anomalies.parquet');
  await database.execute(
    `COPY (SELECT series, make_timestamptz((millis * 1000)::BIGINT) AS "time", value, score,
             score > 1 AS anomalous, ${literal(version)} AS version
           FROM scored ORDER BY series, "time")
     TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return readFile(path);
}

/** What lies there of a day, if the day is scored. */
export async function findManifest(
  store: ObjectStore,
  { model, day, version }: BatchPartition,
): Promise<BatchManifest | null> {
  const key = batchManifestKey(model, day, version);
  return (await store.head(key)) ? store.getJson<BatchManifest>(key) : null;
}

/**
 * Writes a day's object, and its manifest last: until that is there the day is not scored. What lies there already and is the
 * same stays as it is; what is not, because the points have been corrected since, is replaced as a whole.
 */
export async function publishDay(
  store: ObjectStore,
  { model, day, version }: BatchPartition,
  body: Buffer,
  described: Omit<BatchManifest, 'formatVersion' | 'model' | 'version' | 'day' | 'object' | 'scoredAt'>,
): Promise<BatchManifest> {
  const key = anomaliesKey(model, day, version);
  await putOnce(store, key, body);
  const manifest: BatchManifest = {
    formatVersion: 1,
    model,
    version,
    day,
    object: { key, sha256: sha256(body), bytes: body.length },
    ...described,
    scoredAt: new Date().toISOString(),
  };
  await putOnce(store, batchManifestKey(model, day, version), Buffer.from(JSON.stringify(manifest, null, 2)));
  return manifest;
}

/** Creates an object, or replaces another one; two writers of one key never mix. */
async function putOnce(store: ObjectStore, key: string, body: Buffer): Promise<void> {
  if (await store.create(key, body)) return;
  const standing = await store.find(key);
  if (standing?.body.equals(body)) return;
  if (standing && (await store.replace(key, body, standing.etag))) return;
  throw new MeridianError(
    ErrorCode.Conflict,
    `${store.uri(key)}: somebody else wrote it at the same time. It is tried again.`,
    [],
    { retryable: true },
  );
}
