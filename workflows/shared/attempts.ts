import { CancellationScope, CancelledFailure, patched } from '@temporalio/workflow';
import { ErrorCode } from '../../contracts/errors';
import type { Market } from '../../contracts/training';
import { summarize } from './failure';

/** Jobs of one generation that may fail for want of capacity before a person is asked. */
const ATTEMPTS = 3;

/** What a step has started so far: it is kept in the run, over the generations of the step. */
export interface TrainingHistory {
  /** Names of jobs, in the order in which they were started. */
  jobs: string[];
}

/** One job of a step: another attempt is another job. */
export interface Attempt {
  jobName: string;
  market: Market;
  /** Jobs that were started before. */
  earlierJobs: string[];
}

interface Attempts<T> {
  /** What is being done, in words: "Training". */
  doing: string;
  /** Whether spot instances are asked for first. */
  spot: boolean;
  history: TrainingHistory;
  /** Told, in words, what the step goes on as. */
  onProgress: (text: string) => void;
  nameOf: (attempt: number) => string;
  /** Runs a job to its end. One that is given up for want of spot instances has stopped before this fails. */
  run: (attempt: Attempt) => Promise<T>;
  /** Returns once the job does not run, if ever it did. */
  stop: (jobName: string) => Promise<unknown>;
}

/**
 * One job after another until one carries the step to its end, at most one of them live. Want of capacity (and AWS's own
 * errors) make another attempt, as does the way from spot to on-demand. Cancelled, it leaves no job running.
 */
export async function inAttempts<T>({ doing, spot, history, ...step }: Attempts<T>): Promise<T> {
  const { onProgress, nameOf, run, stop } = step;
  // A wait that was given up may have left its job running: a person who tries again wants one job, not two.
  const newest = history.jobs.at(-1);
  if (newest !== undefined && patched('stop-earlier-jobs')) await stop(newest);
  let market: Market = spot ? 'spot' : 'on-demand';
  let failures = 0;
  for (let attempt = 1; ; attempt += 1) {
    const jobName = nameOf(attempt);
    const earlierJobs = [...history.jobs];
    history.jobs.push(jobName);
    try {
      return await run({ jobName, market, earlierJobs });
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) {
        // A cancelled activity is not retried, whatever it died of: a start may have made the job all the same, and a
        // wait may have lost its worker before it stopped it.
        await CancellationScope.nonCancellable(() => stop(jobName));
        throw new CancelledFailure(`${doing}: job ${jobName} was cancelled and does not run.`);
      }
      const { type, message } = summarize(error);
      if (type === ErrorCode.SpotUnavailable && market === 'spot') {
        market = 'on-demand';
        onProgress(`${doing} on-demand, as attempt ${attempt + 1}: ${message}`);
        continue;
      }
      failures += 1;
      if (type !== ErrorCode.CapacityUnavailable || failures === ATTEMPTS) throw error;
      onProgress(`${doing}, as attempt ${attempt + 1}: ${message}`);
    }
  }
}
