import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishDeclaration } from '../../client/declarations';
import { canonicalJson } from '../../contracts/canonical-json';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest, SeriesDeclaration } from '../../contracts/model';
import type { Generation, ReleasePointer, ServedVersion } from '../../contracts/release';
import { anomalyDetector } from '../../models/anomaly-detector/model';
import { literal, withDatabase } from '../../platform/duckdb';
import { projectRoot } from '../../platform/project-root';
import { sha256, type ObjectStore } from '../../platform/s3';

export interface Point {
  series: string | null;
  /** ISO 8601, UTC. */
  time: string | null;
  value: number | null;
}

export const DAY_MS = 86_400_000;
export const at = (day: Day, seconds: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + seconds * 1000).toISOString();

/** A day of points of a series, `everySeconds` apart, each value by its place in the day. */
export const dayOf = (
  series: string,
  day: Day,
  everySeconds: number,
  value: (place: number) => number,
): Point[] =>
  Array.from({ length: 86_400 / everySeconds }, (_, place) => ({
    series,
    time: at(day, place * everySeconds),
    value: value(place),
  }));

interface PointsObject {
  /** SQL type of the column of times. */
  time?: string;
  object?: string;
}

/** Delivers points as one object of a raw partition. */
export const deliver = (
  store: ObjectStore,
  table: string,
  day: Day,
  points: readonly Point[],
  options: PointsObject = {},
): Promise<void> => deliverDays(store, table, new Map([[day, points]]), options);

/** Delivers the points of each day as one object of its raw partition. */
export async function deliverDays(
  store: ObjectStore,
  table: string,
  days: ReadonlyMap<Day, readonly Point[]>,
  { time = 'TIMESTAMPTZ', object = 'part-0' }: PointsObject = {},
): Promise<void> {
  const queries = [...days].map(([day, points]): [key: string, query: string] => [
    `${Key.rawPartition(table, day)}${object}.parquet`,
    `SELECT col0::VARCHAR AS series, col1::${time} AS "time", col2 AS value FROM (VALUES ${points.map(sqlRow).join(', ')})`,
  ]);
  await writeObjects(store, new Map(queries));
}

const sqlRow = ({ series, time, value }: Point): string =>
  `(${series === null ? 'NULL' : literal(series)}, ${time === null ? 'NULL' : literal(time)}, ` +
  `${value === null ? 'NULL' : `${literal(String(value))}::DOUBLE`})`;

export const writeRows = (store: ObjectStore, query: string, key: string): Promise<void> =>
  writeObjects(store, new Map([[key, query]]));

/** Writes the rows of each query as the Parquet object under its key. */
async function writeObjects(store: ObjectStore, queries: ReadonlyMap<string, string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-points-'));
  const path = join(folder, 'part.parquet');
  await withDatabase(async (database) => {
    for (const [key, query] of queries) {
      await database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet)`);
      await store.upload(path, key);
    }
  });
  await rm(folder, { recursive: true });
}

/** A declaration of the model that platform/onnx/fixtures/series is: windows of four points, five minutes apart. */
export const fixtureDeclaration: SeriesDeclaration = {
  ...anomalyDetector,
  series: { ...anomalyDetector.series, windowSteps: 4 },
};

/** Publishes the declaration and releases that folder's files as a version of it. */
export async function release(
  store: ObjectStore,
  version: string,
  folder = join(projectRoot(), 'platform/onnx/fixtures/series'),
  declaration = fixtureDeclaration,
): Promise<ServedVersion> {
  const { name } = declaration;
  const { hash } = await publishDeclaration(store, declaration);
  const files: ArtifactManifest['files'] = {};
  for (const file of readdirSync(folder).filter((one) => one.includes('.'))) {
    const body = readFileSync(join(folder, file));
    files[file] = { sha256: sha256(body), bytes: body.length };
    await store.put(`${Key.version(name, version)}${file}`, body);
  }
  const manifest = { formatVersion: 1, model: name, version, provenance: { declarationHash: hash }, files };
  const body = canonicalJson(manifest);
  const artifactKey = `${Key.version(name, version)}manifest.json`;
  await store.put(artifactKey, body);
  const served: ServedVersion = { version, artifactKey, sha256: sha256(body) };
  const n = Number(/\.(\d+)\.\d+$/.exec(version)![1]) + 1;
  const generation: Pick<Generation, 'n' | 'model' | 'production' | 'variants'> = {
    n,
    model: name,
    production: served,
    variants: [{ ...served, weight: 1, mode: 'live' }],
  };
  await store.put(Key.generation(name, n), JSON.stringify(generation));
  const pointer: ReleasePointer = { generation: n, key: Key.generation(name, n) };
  await store.put(Key.releasePointer(name), JSON.stringify(pointer));
  return served;
}

/** The rows of an object. */
export async function rowsOf<T>(store: ObjectStore, key: string, query = 'SELECT *'): Promise<T[]> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-rows-'));
  const path = join(folder, 'part.parquet');
  await store.download(key, path);
  const rows = await withDatabase((database) =>
    database.rows(`${query} FROM read_parquet(${literal(path)}, hive_partitioning = false)`),
  );
  await rm(folder, { recursive: true });
  return rows as T[];
}
