import type { Metric } from '../../contracts/evaluation';
import { METRIC_NAMES, measure } from './metrics';
import type { Measured, MetricName, RankedRows } from './metrics';

export interface Resampling {
  resamples: number;
  seed: number;
}

type Draws = Measured['metrics'][];

/**
 * Measures each model on the same resamples, drawn with replacement from the entities (the rows of one entity are not
 * independent of each other, so they come or stay away together).
 * @param onResample awaited after each: where a long run heartbeats and may be cancelled
 * @returns for each model, its metrics by resample
 */
export async function bootstrap(
  models: readonly RankedRows[],
  entities: number,
  { resamples, seed }: Resampling,
  onResample: (done: number) => Promise<void>,
): Promise<Draws[]> {
  const random = mulberry32(seed);
  const weights = new Uint16Array(entities);
  const draws: Draws[] = models.map(() => []);
  for (let resample = 1; resample <= resamples; resample += 1) {
    weights.fill(0);
    for (let draw = 0; draw < entities; draw += 1) weights[Math.floor(random() * entities)]! += 1;
    models.forEach((rows, model) => draws[model]!.push(measure(rows, weights).metrics));
    await onResample(resample);
  }
  return draws;
}

/** 95 % percentile intervals around the metrics of the whole. */
export function intervals(values: Measured['metrics'], draws: Draws): Record<MetricName, Metric> {
  return byMetric((name) =>
    interval(
      values[name],
      draws.map((draw) => draw[name]),
    ),
  );
}

/** Candidate − champion with 95 % intervals, resample by resample: what both find hard cancels out. */
export function differences(
  candidate: { values: Measured['metrics']; draws: Draws },
  champion: { values: Measured['metrics']; draws: Draws },
): Record<MetricName, Metric> {
  return byMetric((name) =>
    interval(
      candidate.values[name] - champion.values[name],
      candidate.draws.map((draw, resample) => draw[name] - champion.draws[resample]![name]),
    ),
  );
}

function byMetric(of: (name: MetricName) => Metric): Record<MetricName, Metric> {
  return Object.fromEntries(METRIC_NAMES.map((name) => [name, of(name)])) as Record<MetricName, Metric>;
}

/**
 * Resamples that left a metric undefined (a single class) say nothing and are left out. An interval always holds its
 * value: resampling makes some metrics worse (calibrationError of a well calibrated model), and then it reaches there.
 */
function interval(value: number, draws: readonly number[]): Metric {
  const defined = Float64Array.from(draws.filter((draw) => !Number.isNaN(draw))).sort();
  if (defined.length === 0) return { value, low: value, high: value };
  return {
    value,
    low: Math.min(value, quantile(defined, 0.025)),
    high: Math.max(value, quantile(defined, 0.975)),
  };
}

/** Linear interpolation between order statistics (Hyndman and Fan's type 7). */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

/** Tommy Ettinger's mulberry32: 32 bits of state, passes gjrand; uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
