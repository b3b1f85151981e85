import { CancelledFailure, Context } from '@temporalio/activity';
import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { TrainingHeartbeat, TrainingOutcome } from '../../contracts/training';
import { hasEnded, heartbeatOf } from './job-state';
import { outcomeOf } from './outcome';
import { findJob, type SagemakerDependencies } from './start';
import { stopJob } from './stop';

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Least often a heartbeat is given, however long the pause between two polls. */
const HEARTBEAT_MS = 10_000;

/**
 * Polls until the job has ended. Stops the job where the activity is cancelled, and only there: a worker that shuts
 * down, or an attempt that the server has given up, leaves it to the next attempt.
 */
export async function awaitJob(
  dependencies: SagemakerDependencies,
  jobName: string,
): Promise<TrainingOutcome> {
  try {
    for (;;) {
      const job = await describeJob(dependencies, jobName);
      if (hasEnded(job)) return await outcomeOf(dependencies, job);
      await pause(pollInterval(job), await heartbeatOf(dependencies, job));
    }
  } catch (error) {
    const cancelled =
      error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested;
    if (cancelled) await stopJob(dependencies, jobName);
    throw error;
  }
}

/** A tenth of the job's age: short for short jobs, rare for long ones; jittered, so that many polls spread. */
export function pollInterval({ CreationTime }: Pick<DescribeTrainingJobResponse, 'CreationTime'>): number {
  const age = Date.now() - (CreationTime?.getTime() ?? Date.now());
  const interval = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, age / 10));
  return interval * (0.8 + 0.4 * Math.random());
}

/** @throws CancelledFailure as soon as the activity is cancelled. */
async function pause(milliseconds: number, details: TrainingHeartbeat): Promise<void> {
  const context = Context.current();
  for (let left = milliseconds; left > 0; left -= HEARTBEAT_MS) {
    context.heartbeat(details);
    await context.sleep(Math.min(left, HEARTBEAT_MS));
  }
}

async function describeJob({ sagemaker }: SagemakerDependencies, jobName: string) {
  const job = await findJob(sagemaker, jobName);
  if (job) return job;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `training job ${jobName}: SageMaker knows no such job, expected one that was started. Resolve with "retry" to start it anew.`,
  );
}
