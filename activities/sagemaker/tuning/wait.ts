import { CancelledFailure, Context } from '@temporalio/activity';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { TuningOutcome, TuningProgress } from '../../../contracts/tuning';
import type { SagemakerDependencies } from '../start';
import { pollInterval } from '../wait';
import { tuningOutcomeOf } from './outcome';
import { hasTuningEnded, progressOf, ProgressTeller } from './progress';
import { findTuning } from './start';
import { stopTuning } from './stop';

/** Least often a heartbeat is given, however long the pause between two polls. */
const HEARTBEAT_MS = 10_000;

/** Polls until the tuning job has ended. Stops it where the activity is cancelled, and only there. */
export async function awaitTuning(
  dependencies: SagemakerDependencies,
  jobName: string,
): Promise<TuningOutcome> {
  const teller = new ProgressTeller();
  try {
    for (;;) {
      const job = await describe(dependencies, jobName);
      const progress = progressOf(job);
      await teller.tell(progress);
      if (hasTuningEnded(job)) return await tuningOutcomeOf(dependencies, job);
      await pause(pollInterval(job), progress);
    }
  } catch (error) {
    const cancelled =
      error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested;
    if (cancelled) await stopTuning(dependencies, jobName);
    throw error;
  }
}

/** @throws CancelledFailure as soon as the activity is cancelled. */
async function pause(milliseconds: number, details: TuningProgress): Promise<void> {
  const context = Context.current();
  for (let left = milliseconds; left > 0; left -= HEARTBEAT_MS) {
    context.heartbeat(details);
    await context.sleep(Math.min(left, HEARTBEAT_MS));
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
