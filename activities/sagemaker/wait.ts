import { CancelledFailure, Context } from '@temporalio/activity';
import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { TrainingOutcome } from '../../contracts/training';
import type { JobListener } from '../../platform/job-events';
import { jobCost, totalCost } from './cost';
import { hasEnded, heartbeatOf } from './job-state';
import { outcomeOf } from './outcome';
import { readPrices } from './prices';
import { DEFAULT_INTERRUPTIONS, requireSpot } from './spot';
import { findJob, type SagemakerDependencies } from './start';
import { stopJob } from './stop';

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Least often a heartbeat is given, however long the pause between two polls. */
const HEARTBEAT_MS = 10_000;

export interface AwaitedJob {
  jobName: string;
  /** Interruptions after which spot is given up; default 3. */
  maxInterruptions?: number;
  /** Jobs that were started for the same step before, for what they took. */
  earlierJobs?: string[];
}

/**
 * Polls until the job has ended. Stops the job where the activity is cancelled, and only there: a worker that shuts
 * down, or an attempt that the server has given up, leaves it to the next attempt.
 */
export async function awaitJob(
  dependencies: SagemakerDependencies,
  { jobName, maxInterruptions = DEFAULT_INTERRUPTIONS, earlierJobs = [] }: AwaitedJob,
): Promise<TrainingOutcome> {
  const events = dependencies.events?.listen(jobName);
  try {
    for (;;) {
      // What is told from here on may be news to what Describe answers.
      events?.clear();
      const job = await describeJob(dependencies, jobName);
      requireSpot(job, maxInterruptions);
      if (hasEnded(job)) return await withCost(dependencies, job, earlierJobs);
      await pause(pollInterval(job), await heartbeatOf(dependencies, job), events);
    }
  } catch (error) {
    const cancelled =
      error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested;
    if (cancelled) await stopJob(dependencies, jobName);
    throw error;
  } finally {
    events?.close();
  }
}

async function withCost(
  dependencies: SagemakerDependencies,
  job: DescribeTrainingJobResponse,
  earlierJobs: string[],
): Promise<TrainingOutcome> {
  const outcome = await outcomeOf(dependencies, job);
  const earlier: DescribeTrainingJobResponse[] = [];
  for (const name of earlierJobs) {
    const found = await findJob(dependencies.sagemaker, name);
    if (found) earlier.push(found);
  }
  const { prices = readPrices() } = dependencies;
  const cost = totalCost([...earlier, job].map((one) => jobCost(one, prices)));
  const { trainingSeconds, billableSeconds } = cost;
  return { ...outcome, trainingSeconds, billableSeconds, cost };
}

/** A tenth of the job's age: short for short jobs, rare for long ones; jittered, so that many polls spread. */
export function pollInterval({ CreationTime }: Pick<DescribeTrainingJobResponse, 'CreationTime'>): number {
  const age = Date.now() - (CreationTime?.getTime() ?? Date.now());
  const interval = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, age / 10));
  return interval * (0.8 + 0.4 * Math.random());
}

/** Ends early where something is told of the job. @throws CancelledFailure as soon as the activity is cancelled. */
export async function pause(
  milliseconds: number,
  details: object,
  events: JobListener | undefined,
): Promise<void> {
  const context = Context.current();
  const news = events ? [events.heard().then(() => 'news')] : [];
  for (let left = milliseconds; left > 0; left -= HEARTBEAT_MS) {
    context.heartbeat(details);
    const ended = await Promise.race([context.sleep(Math.min(left, HEARTBEAT_MS)), ...news]);
    if (ended === 'news') return;
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
