import type { TrainingJobHandle, TrainingOutcome } from '../../contracts/training';
import type { TrainingJobRequest } from './request';
import { startJob, type SagemakerDependencies } from './start';
import { stopJob } from './stop';
import { createTuningActivities } from './tuning';
import { awaitJob } from './wait';

/** Training jobs in SageMaker, at most one live one a name. */
export function createSagemakerActivities(dependencies: SagemakerDependencies) {
  return {
    ...createTuningActivities(dependencies),

    /**
     * Starts a training job, or adopts the one of that exact name if its specification is ours.
     * @throws MeridianError JobNameTaken, InvalidInput, AccessDenied; CapacityUnavailable, DependencyUnavailable (retryable)
     */
    startTrainingJob: (request: TrainingJobRequest): Promise<TrainingJobHandle> =>
      startJob(dependencies, request),

    /**
     * Waits for a training job to end; heartbeats a {@link TrainingHeartbeat} at each poll. Cancelled, it stops the
     * job and waits until that has stopped.
     * @throws MeridianError TrainingFailed, TrainingStopped, CapacityUnavailable, BadArtifact, MissingObject (none is
     * retried); DependencyUnavailable (retryable)
     */
    awaitTrainingJob: ({ jobName }: { jobName: string }): Promise<TrainingOutcome> =>
      awaitJob(dependencies, jobName),

    /**
     * Stops a training job and waits until it has stopped; one that has ended, or never existed, is left as it is.
     * @throws MeridianError AccessDenied
     */
    stopTrainingJob: ({ jobName }: { jobName: string }): Promise<void> => stopJob(dependencies, jobName),
  };
}
