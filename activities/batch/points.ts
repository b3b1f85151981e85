import { addDays, DAY_MS, daysEndingWith, dayToEpochMs, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { SeriesSignature } from '../../contracts/model';
import { toArrow } from '../../platform/arrow';
import { literal, type Database } from '../../platform/duckdb';
import { pointsOf, type SeriesPoints } from '../../platform/onnx/series-windows';
import type { PartitionCache, PulledObject } from '../../platform/partitions';
import { definePoints } from '../datasets/series/points';

/** A day's points, with those before it that its first windows take in. */
export interface DayOfPoints {
  /** Of series that the version has learnt; without those that have no value. */
  points: SeriesPoints;
  /** When the day begins and ends, epoch milliseconds. */
  begins: number;
  ends: number;
  /** Points of the day, of every series. */
  count: number;
  /** Points of the day whose series the version has not learnt, by series. */
  unknown: { series: string; points: number }[];
  sources: PulledObject[];
}

/**
 * Reads a day's partition of a raw table of points.
 * @throws MeridianError MissingObject where the day has none; DataQualityBreach, CorruptObject, InvalidFeatures (a series
 * with two values at one time)
 */
export async function readDay(
  database: Database,
  cache: PartitionCache,
  { table, day, signature }: { table: string; day: Day; signature: SeriesSignature },
): Promise<DayOfPoints> {
  const sources = await pullDay(cache, table, day, signature);
  await definePoints(database, sources);
  const [begins, ends] = [dayToEpochMs(day), dayToEpochMs(addDays(day, 1))];
  const window = { first: begins - reachMs(signature), begins, ends };
  const names = signature.series.map(literal).join(', ');
  await database.execute(`CREATE OR REPLACE TABLE known AS SELECT unnest([${names}]) AS series`);
  const read = await database.stream(
    `SELECT series, "time", value FROM points
     WHERE series IN (FROM known) AND epoch_ms("time") >= $first AND epoch_ms("time") < $ends
     ORDER BY series, "time"`,
    window,
  );
  const points = pointsOf(await toArrow(read));
  const inDay = 'epoch_ms("time") >= $begins AND epoch_ms("time") < $ends';
  const { count } = await database.row<{ count: number }>(
    `SELECT count(*) AS count FROM points WHERE ${inDay}`,
    window,
  );
  const unknown = await database.rows<{ series: string; points: number }>(
    `SELECT series, count(*) AS points FROM points
     WHERE ${inDay} AND series NOT IN (FROM known) GROUP BY series ORDER BY series`,
    window,
  );
  return { points, begins, ends, count, unknown, sources };
}

/** How far before a point the window reaches that ends at it. */
const reachMs = ({ everySeconds, windowSteps }: SeriesSignature): number =>
  (windowSteps - 1) * everySeconds * 1000;

/** The day's objects, which must be there, and those of as many days before as a window reaches back, which may be. */
async function pullDay(
  cache: PartitionCache,
  table: string,
  day: Day,
  signature: SeriesSignature,
): Promise<PulledObject[]> {
  const daysBack = Math.ceil(reachMs(signature) / DAY_MS);
  const pulled = [...(await cache.pull(Key.rawPartition(table, day)))];
  for (const before of daysEndingWith(addDays(day, -1), daysBack)) {
    const partition = Key.rawPartition(table, before);
    if ((await cache.list(partition)).length > 0) pulled.push(...(await cache.pull(partition)));
  }
  return pulled;
}
