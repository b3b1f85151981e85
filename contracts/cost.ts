export interface Interval {
  low: number;
  high: number;
}

/** What a training is expected to take, before it is begun. */
export interface CostEstimate {
  /** Billable seconds of all its jobs. */
  seconds: Interval;
  /** US dollars, on-demand price × instances; null where the instance type has no price in the table. */
  dollars: Interval | null;
  /** US dollars an hour of one instance. */
  pricePerHour: number | null;
  instanceType: string;
  /** Past trainings that it rests on; below three the declared longest runtime bounds it. */
  runs: number;
}

/** `reports/costs/<model>/<end>-<job>.json`: what a training took, held against what was expected. */
export interface CostRecord {
  formatVersion: 1;
  model: string;
  jobName: string;
  instanceType: string;
  instanceCount: number;
  /** Whether hyperparameters were searched: such trainings are estimated by their like alone. */
  tuned: boolean;
  trainingSeconds: number;
  billableSeconds: number;
  dollars: number | null;
  /** ISO 8601, UTC. */
  endedAt: string;
  /** Null where none was made. */
  estimate: CostEstimate | null;
  /** Where the billable seconds lie; null where none was estimated. */
  against: 'below' | 'within' | 'above' | null;
}

/** "$0.12", and more digits where that would be nothing. */
export function inDollars(amount: number): string {
  return `$${amount.toFixed(amount !== 0 && amount < 0.1 ? 4 : 2)}`;
}

export function describeEstimate({ seconds, dollars, runs, instanceType }: CostEstimate): string {
  const time = `${Math.round(seconds.low)} to ${Math.round(seconds.high)} s billable`;
  const money = dollars
    ? `${inDollars(dollars.low)} to ${inDollars(dollars.high)}`
    : `no price known of ${instanceType}`;
  return `${money}, ${time}; ${runs === 0 ? 'nothing like it was trained before' : `by ${runs} past trainings`}`;
}

export function describeBill({
  dollars,
  billableSeconds,
  trainingSeconds,
  estimate,
  against,
}: CostRecord): string {
  const money = dollars === null ? 'no price known' : inDollars(dollars);
  const seconds = `${billableSeconds} s billable of ${trainingSeconds} s of training`;
  return `${money}, ${seconds}${estimate ? `; ${against} the estimate (${describeEstimate(estimate)})` : ''}`;
}
