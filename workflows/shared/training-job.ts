import { workflowInfo } from '@temporalio/workflow';
import type { DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { checkpointPrefix, trainingJobName } from '../../contracts/job-name';
import type { ModelDeclaration, ResolvedDeclaration } from '../../contracts/model';
import { OPTIONS, type TrainingOutcome, type TrainingSpecification } from '../../contracts/training';
import { training, trainingWait } from './activities';
import { inAttempts, type Attempt, type TrainingHistory } from './attempts';
import { summarize } from './failure';

export interface TrainingRequest {
  resolved: ResolvedDeclaration;
  snapshot: DatasetSnapshot;
  label: string;
  /** What the run is known by; see `trainingJobName`. */
  runKey: string;
  hyperparameters: Record<string, string | number | boolean>;
  generation: number;
}

export interface JobRequest extends TrainingRequest {
  history: TrainingHistory;
  /** Told, in words, what the training goes on as. */
  onProgress: (text: string) => void;
}

/**
 * One training, as at most one live job: the job's name is derived, so that whoever asks again adopts it. A person's
 * `retry` raises the generation. All attempts of a generation go on from the same checkpoints.
 */
export async function runTrainingJob(request: JobRequest): Promise<TrainingOutcome> {
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
  const checkpoints = checkpointPrefix(parts);
  return inAttempts({
    doing: 'Training',
    spot: specification.spot !== undefined,
    history,
    onProgress,
    nameOf: (attempt) => trainingJobName({ ...parts, attempt }),
    run: (attempt) => train(attempt, specification, checkpoints),
    stop,
  });
}

/** Starts a job and waits for its end; a spot job that is given up has stopped before anything else begins. */
async function train(
  { jobName, market, earlierJobs }: Attempt,
  specification: TrainingSpecification,
  checkpoints: string,
): Promise<TrainingOutcome> {
  const { maxInterruptions } = specification.spot ?? {};
  const outcome = () =>
    trainingWait.awaitTrainingJob.executeWithOptions({ summary: jobName }, [
      { jobName, maxInterruptions, earlierJobs },
    ]);
  try {
    await training.startTrainingJob.executeWithOptions({ summary: `${jobName} (${market})` }, [
      { jobName, specification, market, checkpointPrefix: checkpoints, tags: runTags() },
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

/** The run that a job is for, as its tags tell. */
export function runTags(): Record<string, string> {
  const { workflowId, runId } = workflowInfo();
  return { 'meridian:workflow': workflowId, 'meridian:run': runId };
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
