import type { HyperParameterTuningJobObjectiveType } from '@aws-sdk/client-sagemaker';

/** A median of fewer earlier jobs says little. */
const FEWEST_EARLIER = 3;

/**
 * SageMaker's rule: a job is stopped where its objective is worse than the median of the running averages that earlier jobs
 * had at the same epoch (Golovin et al., "Google Vizier", 2017, section 3.2.2).
 * @param values of the job, one an epoch
 * @param earlier values of the jobs before it that have ended
 */
export function shouldStopEarly(
  values: number[],
  earlier: number[][],
  type: HyperParameterTuningJobObjectiveType,
): boolean {
  const epoch = values.length;
  if (epoch === 0) return false;
  const averages = earlier.filter((one) => one.length >= epoch).map((one) => mean(one.slice(0, epoch)));
  if (averages.length < FEWEST_EARLIER) return false;
  const bound = median(averages);
  const latest = values[epoch - 1]!;
  return type === 'Maximize' ? latest < bound : latest > bound;
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
