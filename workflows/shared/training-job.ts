import { CancellationScope, CancelledFailure, patched, workflowInfo } from '@temporalio/workflow';
import type { DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { checkpointPrefix, trainingJobName } from '../../contracts/job-name';
import type { ModelDeclaration, ResolvedDeclaration } from '../../contracts/model';
import {
  OPTIONS,
  type Market,
  type TrainingOutcome,
  type TrainingSpecification,
} from '../../contracts/training';
import { training, trainingWait } from './activities';
import { summarize } from './failure';

/** Jobs of one generation that may fail for want of capacity before a person is asked. */
export const ATTEMPTS = 3;

export interface TrainingRequest {
  resolved: ResolvedDeclaration;
  snapshot: DatasetSnapshot;
  label: string;
  /** What the run is known by; see `trainingJobName`. */
  runKey: string;
  hyperparameters: Record<string, string | number | boolean>;
  generation: number;
}

/** What a step has started so far: it is kept in the run, over the generations of the step. */
export interface TrainingHistory {
  /** Names of training jobs, in the order in which they were started. */
  jobs: string[];
}

interface TrainingJobRequest extends TrainingRequest {
  history: TrainingHistory;
  /** Told, in words, what the training goes on as. */
  onProgress: (text: string) => void;
}

/** One job of a training: another attempt is another job. */
interface Attempt {
  jobName: string;
  specification: TrainingSpecification;
  market: Market;
  checkpointPrefix: string;
  /** Jobs that were started before. */
  earlierJobs: string[];
}

/**
 * One training, as at most one live job: the job's name is derived, so that whoever asks again adopts it. Want of
 * capacity (and AWS's own errors) raise the attempt, as does the way from spot to on-demand; a person's `retry` raises
 * the generation. All attempts of a generation go on from the same checkpoints. Cancelled, it leaves no job running.
 */
export async function runTrainingJob(request: TrainingJobRequest): Promise<TrainingOutcome> {
  const { history, generation, onProgress } = request;
  const specification = specify(request);
  const parts = {
    model: specification.model,
    label: request.label,
    runKey: request.runKey,
    step: 'train',
    specification,
    generation,
  };
  await stopEarlier(history.jobs);
  let market: Market = specification.spot ? 'spot' : 'on-demand';
  let failures = 0;
  for (let attempt = 1; ; attempt += 1) {
    const jobName = trainingJobName({ ...parts, attempt });
    const earlierJobs = [...history.jobs];
    history.jobs.push(jobName);
    try {
      return await train({
        jobName,
        specification,
        market,
        checkpointPrefix: checkpointPrefix(parts),
        earlierJobs,
      });
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) return await stopAndCancel(jobName);
      const { type, message } = summarize(error);
      if (type === ErrorCode.SpotUnavailable && market === 'spot') {
        market = 'on-demand';
        onProgress(`Training on-demand, as attempt ${attempt + 1}: ${message}`);
        continue;
      }
      failures += 1;
      if (type !== ErrorCode.CapacityUnavailable || failures === ATTEMPTS) throw error;
      onProgress(`Training, as attempt ${attempt + 1}: ${message}`);
    }
  }
}

/** Starts a job and waits for its end; a spot job that is given up has stopped before anything else begins. */
async function train(attempt: Attempt): Promise<TrainingOutcome> {
  const { jobName, specification, market, earlierJobs } = attempt;
  const { workflowId, runId } = workflowInfo();
  const tags = { 'meridian:workflow': workflowId, 'meridian:run': runId };
  const { maxInterruptions } = specification.spot ?? {};
  const outcome = () =>
    trainingWait.awaitTrainingJob.executeWithOptions({ summary: jobName }, [
      { jobName, maxInterruptions, earlierJobs },
    ]);
  try {
    await training.startTrainingJob.executeWithOptions({ summary: `${jobName} (${market})` }, [
      { jobName, specification, market, checkpointPrefix: attempt.checkpointPrefix, tags },
    ]);
    return await outcome();
  } catch (error) {
    if (summarize(error).type !== ErrorCode.SpotUnavailable) throw error;
    const ended = await stop(jobName);
    // It came to its end while it was being given up.
    if (ended?.status === 'Completed') return await outcome();
    throw error;
  }
}

const stop = (jobName: string) =>
  trainingWait.stopTrainingJob.executeWithOptions({ summary: jobName }, [{ jobName }]);

/** A wait that was given up may have left its job running: a person who tries again wants one job, not two. */
async function stopEarlier(jobs: readonly string[]): Promise<void> {
  const newest = jobs.at(-1);
  if (newest !== undefined && patched('stop-earlier-jobs')) await stop(newest);
}

/**
 * A cancelled activity is not retried, whatever it died of: a start may have made the job all the same, and a wait may
 * have lost its worker before it stopped it.
 */
async function stopAndCancel(jobName: string): Promise<never> {
  await CancellationScope.nonCancellable(() => stop(jobName));
  throw new CancelledFailure(`training job ${jobName} was cancelled and does not run.`);
}

export function specify({ resolved, snapshot, hyperparameters }: TrainingRequest): TrainingSpecification {
  const { declaration, code, hash } = resolved;
  const { program, image, instanceType, instanceCount, volumeGb, maxRuntimeSeconds, metrics } =
    declaration.training;
  return {
    ...declaredOptions(declaration.training),
    model: declaration.name,
    image,
    instanceType,
    instanceCount,
    volumeGb,
    maxRuntimeSeconds,
    program,
    codeKey: code.key,
    codeHash: code.hash,
    hyperparameters: { ...declaration.training.hyperparameters, ...hyperparameters },
    metrics,
    channels: {
      ...declaration.training.channels,
      train: `${snapshot.prefix}train/`,
      validation: `${snapshot.prefix}validation/`,
      test: `${snapshot.prefix}test/`,
      declaration: Key.declaration(declaration.name, hash),
    },
  };
}

/** Those that are declared, so that one that is not leaves the specification, and the job's name, as they were. */
function declaredOptions(declared: ModelDeclaration['training']): Partial<TrainingSpecification> {
  return Object.fromEntries(
    OPTIONS.filter((option) => declared[option] !== undefined).map((option) => [option, declared[option]]),
  );
}
