import type { TrainingJobHandle } from '../../../contracts/training';
import type { TuningOutcome } from '../../../contracts/tuning';
import type { SagemakerDependencies } from '../start';
import type { TuningJobRequest } from './request';
import { startTuning } from './start';
import { stopTuning } from './stop';
import { awaitTuning, type AwaitedTuning } from './wait';

/** Searches for hyperparameters in SageMaker, at most one live one a name. */
export function createTuningActivities(dependencies: SagemakerDependencies) {
  return {
    /**
     * Starts a tuning job, or adopts the one of that exact name if its specification is ours.
     * @throws MeridianError JobNameTaken, InvalidInput, AccessDenied; CapacityUnavailable, DependencyUnavailable (retryable)
     */
    startTuningJob: (request: TuningJobRequest): Promise<TrainingJobHandle> =>
      startTuning(dependencies, request),

    /**
     * Waits for a tuning job to end and writes its trials to `training/<tuning job>/trials.json`; heartbeats a
     * TuningProgress at each poll, and signals it to the run. Cancelled, it stops the job and waits until it and its
     * trials have stopped. The outcome's cost is that of all trials, and of the earlier jobs, too.
     * @throws MeridianError TrainingFailed (no trial succeeded), TrainingStopped, CapacityUnavailable, BadArtifact,
     * MissingObject, SpotUnavailable (none is retried); DependencyUnavailable (retryable)
     */
    awaitTuningJob: (awaited: AwaitedTuning): Promise<TuningOutcome> => awaitTuning(dependencies, awaited),

    /**
     * Stops a tuning job and waits until it and its trials have stopped; one that has ended, or never existed, is left as it is.
     * @throws MeridianError AccessDenied
     */
    stopTuningJob: ({ jobName }: { jobName: string }): Promise<void> => stopTuning(dependencies, jobName),
  };
}
