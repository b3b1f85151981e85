import type { Table } from 'apache-arrow';
import { DAY_MS } from '../../../contracts/days';
import type { LoadedModel, OnBatch, SeriesModel } from '../../../platform/onnx/loaded-model';
import { toSeriesPrediction } from '../../../platform/onnx/series-model';
import {
  pointsOf,
  windowsOf,
  type SeriesPoints,
  type SeriesWindows,
} from '../../../platform/onnx/series-windows';
import { ASKED_ROWS, breach, wrongKind, type HeldOut, type Metrics, type Trial } from './kind';

/** What people called anomalous: from its first point to its last. */
export interface LabelledWindow {
  series: string;
  /** Epoch milliseconds. */
  startsAt: number;
  endsAt: number;
}

/** A point that was scored; in the order of series and time. */
export interface ScoredPoint {
  series: string;
  /** Epoch milliseconds. */
  time: number;
  anomalous: boolean;
  /** Dense number of its series' day. */
  entity: number;
  /** Whether it comes one step after the scored point before it. */
  follows: boolean;
}

/** Counts that one entity adds to the metrics. */
export interface Tally {
  points: Float64Array;
  /** Points called anomalous. */
  alerts: Float64Array;
  /** Points outside of every labelled window, and those of them called anomalous. */
  ordinary: Float64Array;
  falseAlarms: Float64Array;
  /** Labelled windows with a scored point, and those with one called anomalous. */
  windows: Float64Array;
  hits: Float64Array;
  /** Runs of anomalous points, and those that touch a labelled window. */
  runs: Float64Array;
  rightRuns: Float64Array;
}

/**
 * Opens the trial of a detector of anomalies. Resampled by the day of a series: neighbouring points are not independent of each
 * other. A window, and a run of anomalous points, belongs to the day of its first point.
 */
export function openAnomaly({ where, table, windows }: HeldOut): Trial {
  const points = pointsOf(table);
  if (points.time.length === 0) throw breach(where, 'no points', 'held-out points');
  const labelled = windows ? readWindows(windows) : [];
  const { entity, entities } = numberDays(points);

  const windowsFor = (model: SeriesModel): SeriesWindows => {
    const found = windowsOf(points, model.signature);
    if (found.newest.length > 0) return found;
    const { windowSteps, everySeconds } = model.signature;
    throw breach(
      where,
      'no window without a gap',
      `${windowSteps} points of a series, ${everySeconds} s apart`,
    );
  };
  const examine = async (model: LoadedModel, onBatch: OnBatch) => {
    const detector = requireDetector(model);
    const found = windowsFor(detector);
    const scores = await detector.score(found, onBatch);
    const tally = count(scoredPoints(found, scores, entity), labelled, entities);
    return { measure: (weights: ArrayLike<number>) => measure(tally, weights), confusion: null };
  };
  const askerOf = (model: LoadedModel) => {
    const detector = requireDetector(model);
    const { newest } = windowsFor(detector);
    const rows = Math.min(newest.length, ASKED_ROWS);
    return (call: number) => {
      const at = call % rows;
      return detector.score({ points, newest: newest.subarray(at, at + 1) });
    };
  };
  return { rows: table.numRows, entities, examine, askerOf };
}

function requireDetector(model: LoadedModel): SeriesModel {
  if (model.kind === 'metric-anomaly') return model;
  throw wrongKind(model, 'metric-anomaly');
}

function readWindows(table: Table): LabelledWindow[] {
  const [series, starts, ends] = ['series', 'starts_at', 'ends_at'].map((name) => table.getChild(name)!);
  return Array.from({ length: table.numRows }, (_, row) => ({
    series: String(series!.get(row)),
    startsAt: Number(starts!.get(row)),
    endsAt: Number(ends!.get(row)),
  }));
}

function numberDays({ series, time }: SeriesPoints): { entity: Uint32Array; entities: number } {
  const numbers = new Map<string, number>();
  const entity = series.map((which, row) => {
    const day = `${which} ${Math.floor(time[row]! / DAY_MS)}`;
    const number = numbers.get(day) ?? numbers.size;
    numbers.set(day, number);
    return number;
  });
  return { entity, entities: numbers.size };
}

function scoredPoints(
  { points, newest }: SeriesWindows,
  scores: Float32Array,
  entity: Uint32Array,
): ScoredPoint[] {
  return Array.from(newest, (row, index) => ({
    series: points.names[points.series[row]!]!,
    time: points.time[row]!,
    anomalous: toSeriesPrediction(scores[index]!).anomalous,
    entity: entity[row]!,
    // Whoever has a window right after another's lies one step after it, in the same series.
    follows: index > 0 && newest[index - 1] === row - 1 && points.series[row - 1] === points.series[row],
  }));
}

export function count(
  points: readonly ScoredPoint[],
  labelled: readonly LabelledWindow[],
  entities: number,
): Tally {
  const none = (): Float64Array => new Float64Array(entities);
  const tally: Tally = {
    points: none(),
    alerts: none(),
    ordinary: none(),
    falseAlarms: none(),
    windows: none(),
    hits: none(),
    runs: none(),
    rightRuns: none(),
  };
  const inside = ({ series, time }: ScoredPoint, window: LabelledWindow): boolean =>
    window.series === series && window.startsAt <= time && time <= window.endsAt;
  const ordinary = points.map((point) => !labelled.some((window) => inside(point, window)));
  points.forEach((point, index) => {
    tally.points[point.entity]! += 1;
    if (point.anomalous) tally.alerts[point.entity]! += 1;
    if (!ordinary[index]) return;
    tally.ordinary[point.entity]! += 1;
    if (point.anomalous) tally.falseAlarms[point.entity]! += 1;
  });
  for (const window of labelled) {
    const within = points.filter((point) => inside(point, window));
    if (within.length === 0) continue;
    tally.windows[within[0]!.entity]! += 1;
    if (within.some(({ anomalous }) => anomalous)) tally.hits[within[0]!.entity]! += 1;
  }
  for (const run of runsOf(points)) {
    const { entity } = points[run[0]!]!;
    tally.runs[entity]! += 1;
    if (run.some((index) => !ordinary[index])) tally.rightRuns[entity]! += 1;
  }
  return tally;
}

/** The anomalous points, those that follow each other together. */
function runsOf(points: readonly ScoredPoint[]): number[][] {
  const runs: number[][] = [];
  points.forEach(({ anomalous, follows }, index) => {
    if (!anomalous) return;
    if (follows && points[index - 1]!.anomalous) runs.at(-1)!.push(index);
    else runs.push([index]);
  });
  return runs;
}

/**
 * - recall: share of the labelled windows with a point called anomalous; NaN where nothing is labelled.
 * - precision: share of the runs of anomalous points that touch a labelled window (0 where there are none); NaN as above.
 * - f1: their harmonic mean.
 * - falseAlarmRate: share of the points outside of every labelled window that are called anomalous.
 * - alertRate: the same of all points.
 */
export function measure(tally: Tally, weights: ArrayLike<number>): Metrics {
  const sum = (counts: Float64Array): number =>
    counts.reduce((total, found, entity) => total + weights[entity]! * found, 0);
  const [windows, runs] = [sum(tally.windows), sum(tally.runs)];
  const recall = sum(tally.hits) / windows;
  const precision = windows === 0 ? NaN : runs === 0 ? 0 : sum(tally.rightRuns) / runs;
  return {
    recall,
    precision,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    falseAlarmRate: sum(tally.falseAlarms) / sum(tally.ordinary),
    alertRate: sum(tally.alerts) / sum(tally.points),
  };
}
