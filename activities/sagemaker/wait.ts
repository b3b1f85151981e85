import { setTimeout as wait } from 'node:timers/promises';
import { CancelledFailure, Context } from '@temporalio/activity';
import { StopTrainingJobCommand, type DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { TrainingHeartbeat, TrainingOutcome } from '../../contracts/training';
import { readJobLog } from '../../platform/sagemaker';
import { isEndedAlready, isUnknownJob, translate } from './errors';
import { outcomeOf } from './outcome';
import { findJob, type SagemakerDependencies } from './start';

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Least often a heartbeat is given, however long the pause between two polls. */
const HEARTBEAT_MS = 10_000;
const STOPPING_PAUSE_MS = 500;

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
    if (cancelled) await stopAndWait(dependencies, jobName);
    throw error;
  }
}

/** A tenth of the job's age: short for short jobs, rare for long ones; jittered, so that many polls spread. */
export function pollInterval({ CreationTime }: DescribeTrainingJobResponse): number {
  const age = Date.now() - (CreationTime?.getTime() ?? Date.now());
  const interval = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, age / 10));
  return interval * (0.8 + 0.4 * Math.random());
}

const hasEnded = ({ TrainingJobStatus: status }: DescribeTrainingJobResponse): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Stopped';

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

async function heartbeatOf(
  { config }: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
): Promise<TrainingHeartbeat> {
  const [line] = await readJobLog(config.sagemaker, job.TrainingJobName!, 1);
  return {
    phase: phaseOf(job),
    jobName: job.TrainingJobName!,
    seconds: Math.round((Date.now() - job.CreationTime!.getTime()) / 1000),
    lastLogLine: (line ?? '').slice(0, 500),
  };
}

/** A status that is not known counts as still under way. */
function phaseOf({
  TrainingJobStatus,
  SecondaryStatus,
}: DescribeTrainingJobResponse): TrainingHeartbeat['phase'] {
  if (TrainingJobStatus === 'Stopping') return 'stopping';
  if (SecondaryStatus === 'Training') return 'training';
  return SecondaryStatus === 'Uploading' ? 'uploading' : 'starting';
}

/** Outages do not end this: a cancelled activity is not retried, and must not leave a job running behind it. */
async function stopAndWait(dependencies: SagemakerDependencies, jobName: string): Promise<void> {
  for (let stopped = false; ;) {
    try {
      if (!stopped) await stopJob(dependencies, jobName);
      stopped = true;
      const job = await findJob(dependencies.sagemaker, jobName);
      if (!job || hasEnded(job)) return;
      Context.current().heartbeat(await heartbeatOf(dependencies, job));
    } catch (error) {
      if (!(error instanceof MeridianError && error.retryable)) throw error;
    }
    await wait(STOPPING_PAUSE_MS);
  }
}

async function stopJob({ sagemaker }: SagemakerDependencies, jobName: string): Promise<void> {
  try {
    await sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: jobName }));
  } catch (error) {
    if (!isEndedAlready(error) && !isUnknownJob(error))
      throw translate(error, `stopping training job ${jobName}`);
  }
}
