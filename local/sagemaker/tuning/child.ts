import { isRetryable } from '../api/errors';
import { jobStatus } from '../jobs/job';
import type { TrainingState } from '../training/kind';
import type { Definition } from './definition';
import type { TrialState } from './searcher';
import type { Trial } from './tuning-store';

/** A trial and the training job that carries it out. */
export interface Child {
  trial: Trial;
  definition: Definition;
  job: TrainingState;
}

export const hasEnded = ({ job }: Child): boolean => job.progress.outcome !== undefined;

/** The last value of the objective; undefined while the job runs, and where it wrote none. */
export const objectiveOf = ({ job, definition }: Child): number | undefined =>
  job.progress.metrics?.find(({ name }) => name === definition.objective!.MetricName)?.value;

/** How a search sees the child: one that was stopped early says something, one without a value nothing. */
export function trialState(child: Child): TrialState {
  if (!hasEnded(child)) return 'running';
  if (objectiveOf(child) === undefined) return 'failed';
  return ({ Completed: 'complete', Stopped: 'stopped', Failed: 'failed' } as const)[
    child.job.progress.outcome!
  ];
}

/** The best of those that completed; of those that were stopped only where none did. */
export function bestOf(children: Child[]): Child | undefined {
  const among = (state: TrialState) => children.filter((child) => trialState(child) === state);
  const completed = among('complete');
  const candidates = completed.length > 0 ? completed : among('stopped');
  const sign = candidates[0]?.definition.objective!.Type === 'Minimize' ? -1 : 1;
  return candidates.toSorted((a, b) => sign * (objectiveOf(b)! - objectiveOf(a)!))[0];
}

export interface Counters {
  Completed: number;
  InProgress: number;
  RetryableError: number;
  NonRetryableError: number;
  Stopped: number;
}

export function statusCounters(children: Child[]): Counters {
  const count = (is: (child: Child) => boolean) => children.filter(is).length;
  const failed = (retryable: boolean) => (child: Child) =>
    child.job.progress.outcome === 'Failed' &&
    isRetryable(child.job.progress.failureReason ?? '') === retryable;
  return {
    Completed: count(({ job }) => jobStatus(job) === 'Completed'),
    InProgress: count((child) => !hasEnded(child)),
    RetryableError: count(failed(true)),
    NonRetryableError: count(failed(false)),
    Stopped: count(({ job }) => jobStatus(job) === 'Stopped'),
  };
}

/** How many completed children have not bettered the best before them, since the last that did. */
export function notImproving(children: Child[]): number {
  const best = bestOf(children);
  const completed = children
    .filter((child) => trialState(child) === 'complete')
    .toSorted((a, b) => a.job.progress.end! - b.job.progress.end!);
  return best ? completed.length - 1 - completed.indexOf(best) : 0;
}
