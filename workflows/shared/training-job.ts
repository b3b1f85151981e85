import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { trainingJobName } from '../../contracts/job-name';
import type { ResolvedDeclaration } from '../../contracts/model';
import type { TrainingOutcome, TrainingSpecification } from '../../contracts/training';
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

/**
 * One training, as at most one live job: the job's name is derived, so that whoever asks again adopts it. Only want of
 * capacity (and AWS's own errors) raise the attempt; a person's `retry` raises the generation. Cancelled, it leaves no
 * job running.
 */
export async function runTrainingJob(request: TrainingRequest): Promise<TrainingOutcome> {
  const specification = specify(request);
  const { model } = specification;
  for (let attempt = 1; ; attempt += 1) {
    const jobName = trainingJobName({
      model,
      label: request.label,
      runKey: request.runKey,
      step: 'train',
      specification,
      generation: request.generation,
      attempt,
    });
    try {
      await training.startTrainingJob.executeWithOptions({ summary: jobName }, [{ jobName, specification }]);
      return await trainingWait.awaitTrainingJob.executeWithOptions({ summary: jobName }, [{ jobName }]);
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) return await stopAndCancel(jobName);
      if (summarize(error).type !== ErrorCode.CapacityUnavailable || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * A cancelled activity is not retried, whatever it died of: a start may have made the job all the same, and a wait may
 * have lost its worker before it stopped it.
 */
async function stopAndCancel(jobName: string): Promise<never> {
  await CancellationScope.nonCancellable(() =>
    trainingWait.stopTrainingJob.executeWithOptions({ summary: jobName }, [{ jobName }]),
  );
  throw new CancelledFailure(`training job ${jobName} was cancelled and does not run.`);
}

export function specify({ resolved, snapshot, hyperparameters }: TrainingRequest): TrainingSpecification {
  const { declaration, code, hash } = resolved;
  const { program, image, instanceType, instanceCount, volumeGb, maxRuntimeSeconds, metrics } =
    declaration.training;
  return {
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
      train: `${snapshot.prefix}train/`,
      validation: `${snapshot.prefix}validation/`,
      test: `${snapshot.prefix}test/`,
      declaration: Key.declaration(declaration.name, hash),
    },
  };
}
