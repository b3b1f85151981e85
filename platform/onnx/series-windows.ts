import type { Table } from 'apache-arrow';
import { DAY_MS } from '../../contracts/days';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { SeriesSignature } from '../../contracts/model';

/** Points of series, as the columns series, time and value hold them; sorted by series, then by time. */
export interface SeriesPoints {
  /** Index into `names`, a point. */
  series: Uint32Array;
  names: string[];
  /** Epoch milliseconds. */
  time: Float64Array;
  value: Float64Array;
}

/** Windows that a graph can score: `windowSteps` points of one series, each `everySeconds` after the one before. */
export interface SeriesWindows {
  points: SeriesPoints;
  /** The newest point of each window: the one that its score speaks of. */
  newest: Uint32Array;
}

/**
 * Reads the points of a table with the columns series (text), time (timestamp) and value (number). A point without a value
 * counts for none: where it should be is a gap.
 * @throws InvalidFeatures where a column is missing or holds something else; where a series has two values at one time.
 */
export function pointsOf(table: Table): SeriesPoints {
  const [series, time, value] = ['series', 'time', 'value'].map((name) => columnOf(table, name));
  const names = [
    ...new Set(Array.from({ length: table.numRows }, (_, row) => String(series!.get(row)))),
  ].sort();
  const numbers = new Map(names.map((name, number) => [name, number]));
  const all = Array.from({ length: table.numRows }, (_, row) => ({
    series: numbers.get(String(series!.get(row)))!,
    time: Number(time!.get(row)),
    value: value!.get(row) === null ? NaN : Number(value!.get(row)),
  }));
  const points = all
    .filter((point) => Number.isFinite(point.value) && Number.isFinite(point.time))
    .sort((a, b) => a.series - b.series || a.time - b.time);
  const twice = points.findIndex(
    (point, row) =>
      row > 0 && points[row - 1]!.series === point.series && points[row - 1]!.time === point.time,
  );
  if (twice >= 0) {
    const { series: number, time: at } = points[twice]!;
    const when = new Date(at).toISOString();
    throw invalid('time', `two values of ${show(names[number])} at ${when}`, 'one value a series and time');
  }
  return {
    names,
    series: Uint32Array.from(points, (point) => point.series),
    time: Float64Array.from(points, (point) => point.time),
    value: Float64Array.from(points, (point) => point.value),
  };
}

/**
 * Every window that can be scored: none reaches over a gap, so that the first points after one have no score.
 * @throws InvalidFeatures where there are points of a series that the model has not learnt.
 */
export function windowsOf(
  points: SeriesPoints,
  { everySeconds, windowSteps, series }: Pick<SeriesSignature, 'everySeconds' | 'windowSteps' | 'series'>,
): SeriesWindows {
  const strange = points.names.filter((name) => !series.includes(name));
  if (strange.length > 0) {
    const found = strange.map((name) => show(name)).join(', ');
    throw invalid(
      'series',
      found,
      `series the model has learnt (${series.join(', ')}); train it on the new ones`,
    );
  }
  const newest: number[] = [];
  let steady = 0;
  for (let row = 0; row < points.time.length; row += 1) {
    const follows =
      row > 0 &&
      points.series[row] === points.series[row - 1] &&
      points.time[row] === points.time[row - 1]! + everySeconds * 1000;
    steady = follows ? steady + 1 : 1;
    if (steady >= windowSteps) newest.push(row);
  }
  return { points, newest: Uint32Array.from(newest) };
}

/** Minutes since midnight, UTC. */
export const minuteOfDay = (epochMs: number): number => (epochMs % DAY_MS) / 60_000;

function columnOf(table: Table, name: string) {
  const column = table.getChild(name);
  if (column) return column;
  const found = table.schema.fields.map((field) => field.name).join(', ') || 'none';
  throw invalid(name, `no such column (columns: ${found})`, 'the columns series, time and value');
}

const invalid = (field: string, found: string, expected: string): MeridianError =>
  new MeridianError(ErrorCode.InvalidFeatures, `${field}: found ${found}, expected ${expected}.`, [
    { field, found, expected },
  ]);
