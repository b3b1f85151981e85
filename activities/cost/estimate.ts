import type { Interval } from '../../contracts/cost';

/** Below so many past trainings their spread says nothing, and the longest that is allowed bounds the estimate. */
const LEAST_RUNS = 3;

/** Student's t, two-sided 90 %, by degrees of freedom from 1 (NIST/SEMATECH e-Handbook, table 1.3.6.7.2, column 0.95). */
const T_90 = [
  6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
  1.746, 1.74, 1.734, 1.729,
];
/** Past trainings that count, the newest: data grows, programs change. */
export const MOST_RUNS = T_90.length + 1;

/**
 * What the next training takes, in billable seconds: the 90 % prediction interval of one more observation, of logarithms,
 * since durations are positive and skewed: mean ± t · s · √(1 + 1/n). Never above `longest`, which is what the declaration allows.
 * @param past Billable seconds of earlier trainings, the newest {@link MOST_RUNS} count (given oldest first).
 */
export function estimateSeconds(past: readonly number[], longest: number): Interval {
  const counted = past.slice(-MOST_RUNS);
  if (counted.length < LEAST_RUNS)
    return { low: counted.length === 0 ? 0 : Math.min(longest, ...counted), high: longest };
  // SageMaker counts whole seconds, at times none.
  const logs = counted.map((seconds) => Math.log(Math.max(1, seconds)));
  const n = logs.length;
  const mean = logs.reduce((sum, x) => sum + x, 0) / n;
  const variance = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const reach = T_90[n - 2]! * Math.sqrt(variance * (1 + 1 / n));
  return { low: Math.min(longest, Math.exp(mean - reach)), high: Math.min(longest, Math.exp(mean + reach)) };
}
