import { CancelledFailure, Context } from '@temporalio/activity';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { TuningOutcome } from '../../../contracts/tuning';
import type { SagemakerDependencies } from '../start';
import { pause, pollInterval } from '../wait';
import { tuningOutcomeOf } from './outcome';
import { hasTuningEnded, progressOf, ProgressTeller } from './progress';
import { findTuning } from './start';
import { stopTuning } from './stop';

export interface AwaitedTuning {
  jobName: string;
  /** Tuning jobs that were started for the same step before, for what they took. */
  earlierJobs?: string[];
}

/** Polls until the tuning job has ended. Stops it where the activity is cancelled, and only there. */
export async function awaitTuning(
  dependencies: SagemakerDependencies,
  { jobName, earlierJobs = [] }: AwaitedTuning,
): Promise<TuningOutcome> {
  const teller = new ProgressTeller();
  const events = dependencies.events?.listen(jobName);
  try {
    for (;;) {
      // What is told from here on may be news to what Describe answers.
      events?.clear();
      const job = await describe(dependencies, jobName);
      const progress = progressOf(job);
      await teller.tell(progress);
      if (hasTuningEnded(job)) return await tuningOutcomeOf(dependencies, job, earlierJobs);
      await pause(pollInterval(job), progress, events);
    }
  } catch (error) {
    const cancelled =
      error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested;
    if (cancelled) await stopTuning(dependencies, jobName);
    throw error;
  } finally {
    events?.close();
  }
}

async function describe({ sagemaker }: SagemakerDependencies, jobName: string) {
  const job = await findTuning(sagemaker, jobName);
  if (job) return job;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `tuning job ${jobName}: SageMaker knows no such job, expected one that was started. Resolve with "retry" to start it anew.`,
  );
}
