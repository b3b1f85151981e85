import type { Metric } from '../../contracts/evaluation';
import type { Examined, Metrics } from './kinds/kind';

export interface Resampling {
  resamples: number;
  seed: number;
}

/** A model's metrics of all rows, and by resample. */
interface Drawn {
  values: Metrics;
  draws: Metrics[];
}

/**
 * Measures each model on the same resamples, drawn with replacement from the entities (the rows of one entity are not
 * independent of each other, so they come or stay away together).
 * @param onResample awaited after each: where a long run heartbeats and may be cancelled
 * @returns for each model, its metrics by resample
 */
export async function bootstrap(
  models: readonly Pick<Examined, 'measure'>[],
  entities: number,
  { resamples, seed }: Resampling,
  onResample: (done: number) => Promise<void>,
): Promise<Metrics[][]> {
  const random = mulberry32(seed);
  const weights = new Uint16Array(entities);
  const draws: Metrics[][] = models.map(() => []);
  for (let resample = 1; resample <= resamples; resample += 1) {
    weights.fill(0);
    for (let draw = 0; draw < entities; draw += 1) weights[Math.floor(random() * entities)]! += 1;
    models.forEach((model, index) => draws[index]!.push(model.measure(weights)));
    await onResample(resample);
  }
  return draws;
}

/** 95 % percentile intervals around the metrics of the whole; what the whole leaves undefined is left out. */
export function intervals(values: Metrics, draws: readonly Metrics[]): Record<string, Metric> {
  return byMetric(values, (name, value) =>
    interval(
      value,
      draws.map((draw) => draw[name]!),
    ),
  );
}

/** Candidate − champion with 95 % intervals, resample by resample: what both find hard cancels out. */
export function differences(candidate: Drawn, champion: Drawn): Record<string, Metric> {
  const values = Object.fromEntries(
    Object.entries(candidate.values).map(([name, value]) => [name, value - champion.values[name]!]),
  );
  return byMetric(values, (name, value) =>
    interval(
      value,
      candidate.draws.map((draw, resample) => draw[name]! - champion.draws[resample]![name]!),
    ),
  );
}

function byMetric(values: Metrics, of: (name: string, value: number) => Metric): Record<string, Metric> {
  const defined = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
  return Object.fromEntries(defined.map(([name, value]) => [name, of(name, value)]));
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
