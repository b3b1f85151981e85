import { basename, extname, join } from 'node:path';
import { inspectLearnable, inspectPoints } from '../../activities/datasets/series/inspect';
import { splitPoints } from '../../activities/datasets/series/split';
import type { QualityReport } from '../../contracts/dataset';
import { daysBetween, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { SeriesDeclaration } from '../../contracts/model';
import { isModelName, MODEL_NAME } from '../../contracts/model-name';
import { literal, type Database } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { withScratch } from '../scratch';
import { declareSeries } from './declare';
import { wrong } from './errors';
import { readPoints, type SeriesColumns } from './read';

export interface SeriesRequest extends SeriesColumns {
  /** CSV files with a header. */
  files: readonly string[];
  /** The model's name. */
  name: string;
  /** Share of ordinary points that may be called anomalous; default: one in a hundred. */
  alertRate?: number;
}

export interface ImportedSeries {
  declaration: SeriesDeclaration;
  /** Names of the series, in alphabetical order. */
  series: string[];
  points: number;
  /** The first and the last day that has points, UTC: train as of the last, score them all. */
  firstDay: Day;
  lastDay: Day;
}

/**
 * Makes a model's data out of CSV files of metrics: `raw/<name>-points/dt=<day>/part-0.parquet`, and the declaration to train
 * on them. Everything is checked before anything is written; the same files give the same objects, and days that an earlier
 * import under this name had are removed.
 * @throws MeridianError InvalidInput naming the file and row; DataQualityBreach naming the series (gaps, a constant series, too
 * few points)
 */
export async function importSeries(store: ObjectStore, request: SeriesRequest): Promise<ImportedSeries> {
  const { name, files, alertRate = 0.01 } = request;
  if (!isModelName(name)) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `The model name ${show(name)}: expected ${MODEL_NAME}. Give another name.`,
      [{ field: 'name', found: show(name), expected: MODEL_NAME }],
    );
  }
  if (files.length === 0) throw wrong(name, 'no files', 'at least one CSV file with a header');
  return withScratch(async (database, folder) => {
    await database.execute('CREATE TABLE points (series VARCHAR, "time" TIMESTAMPTZ, value DOUBLE, dt DATE)');
    for (const [file, series] of namesOf(files)) await readPoints(database, file, series, request);
    const span = await spanOf(database, files.join(', '));
    const source = files.length === 1 ? basename(files[0]!) : `${files.length} files of metrics`;
    const declaration = declareSeries({
      name,
      table: `${name}-points`,
      everySeconds: await distanceOf(database, files.join(', ')),
      days: daysBetween(span.firstDay, span.lastDay).length,
      alertRate,
      source,
    });
    await check(database, declaration, source);
    await writePartitions(store, database, folder, declaration.series.table);
    return { declaration, ...span };
  });
}

/** Each file and the name of its series: the file's. */
function namesOf(files: readonly string[]): [file: string, series: string][] {
  const named = new Map<string, string>();
  for (const file of files) {
    const series = basename(file, extname(file));
    const other = named.get(series);
    if (other !== undefined) throw wrong(file, `the name of ${other} again`, 'files with names of their own');
    named.set(series, file);
  }
  return [...named].map(([series, file]) => [file, series]);
}

async function spanOf(
  database: Database,
  where: string,
): Promise<Pick<ImportedSeries, 'series' | 'points' | 'firstDay' | 'lastDay'>> {
  const { points, firstDay, lastDay } = await database.row<{
    points: number;
    firstDay: Day | null;
    lastDay: Day | null;
  }>(
    `SELECT count(*) AS points, strftime(min(dt), '%Y-%m-%d') AS "firstDay", strftime(max(dt), '%Y-%m-%d') AS "lastDay"
     FROM points`,
  );
  if (firstDay === null || lastDay === null) throw wrong(where, 'no row with a value', 'points');
  const names = await database.rows<{ series: string }>('SELECT DISTINCT series FROM points ORDER BY series');
  return { series: names.map(({ series }) => series), points, firstDay, lastDay };
}

/** Seconds between two points of a series: a model has one distance for all of them. */
async function distanceOf(database: Database, where: string): Promise<number> {
  const found = await database.rows<{ series: string; seconds: number | null }>(
    `SELECT series, mode(seconds)::DOUBLE AS seconds FROM (
       SELECT series, epoch("time") - epoch(lag("time") OVER (PARTITION BY series ORDER BY "time")) AS seconds FROM points)
     GROUP BY series ORDER BY series`,
  );
  const [first] = found;
  const other = found.find(({ seconds }) => seconds !== first!.seconds);
  if (other) {
    const distances = `points ${first!.seconds} s apart in ${show(first!.series)} and ${other.seconds} s in ${show(other.series)}`;
    throw wrong(where, distances, 'the same distance in all series (import them under names of their own)');
  }
  const seconds = first!.seconds;
  if (seconds === null || seconds < 1 || !Number.isInteger(seconds))
    throw wrong(where, `points ${show(seconds)} s apart`, 'points whole seconds apart');
  return seconds;
}

/** What a training would refuse is refused before anything is written. */
async function check(database: Database, declaration: SeriesDeclaration, source: string): Promise<void> {
  refuse(await inspectPoints(database, declaration, source));
  await splitPoints(database, declaration);
  refuse(await inspectLearnable(database, declaration, source));
}

const SHOWN = 5;

function refuse({ findings }: QualityReport): void {
  if (findings.length === 0) return;
  const told = findings
    .slice(0, SHOWN)
    .map(({ where, found, expected, examples }) =>
      [`${where}: ${found}, expected ${expected}`, ...examples.slice(0, 1)].join(', for example '),
    );
  if (findings.length > SHOWN) told.push(`and ${findings.length - SHOWN} findings more`);
  throw new MeridianError(
    ErrorCode.DataQualityBreach,
    `${told.join('; ')}. Nothing was written. Mend the files, or leave out the series that are named, and import again.`,
    findings.map(({ where, check: name, found, expected }) => ({
      field: `${where}: ${name}`,
      found,
      expected,
    })),
  );
}

async function writePartitions(
  store: ObjectStore,
  database: Database,
  folder: string,
  table: string,
): Promise<void> {
  // The bytes must not depend on the machine's threads.
  await database.execute('SET threads = 1');
  const days = await database.rows<{ day: Day }>(
    `SELECT DISTINCT strftime(dt, '%Y-%m-%d') AS day FROM points ORDER BY day`,
  );
  const written = new Set<string>();
  for (const { day } of days) {
    const path = join(folder, 'part-0.parquet');
    await database.execute(
      `COPY (SELECT series, "time", value FROM points WHERE dt = DATE ${literal(day)} ORDER BY series, "time")
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const key = `${Key.rawPartition(table, day)}part-0.parquet`;
    await store.upload(path, key);
    written.add(key);
  }
  for (const { key } of await store.list(`raw/${table}/`)) if (!written.has(key)) await store.delete(key);
}
