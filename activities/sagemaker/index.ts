import type { TrainingJobHandle, TrainingOutcome } from '../../contracts/training';
import type { TrainingJobRequest } from './request';
import { startJob, type SagemakerDependencies } from './start';
import { stopJob, type EndedJob } from './stop';
import { createTuningActivities } from './tuning';
import { awaitJob, type AwaitedJob } from './wait';

/** Training jobs in SageMaker, at most one live one a name. */
export function createSagemakerActivities(dependencies: SagemakerDependencies) {
  return {
    ...createTuningActivities(dependencies),

    /**
     * Starts a training job, or adopts the one of that exact name if its specification is ours.
     * @throws MeridianError JobNameTaken, InvalidInput, AccessDenied, SpotUnavailable; CapacityUnavailable,
     * DependencyUnavailable (retryable)
     */
    startTrainingJob: (request: TrainingJobRequest): Promise<TrainingJobHandle> =>
      startJob(dependencies, request),

    /**
     * Waits for a training job to end; heartbeats a {@link TrainingHeartbeat} at each poll. Cancelled, it stops the
     * job and waits until that has stopped. The outcome's cost is that of the earlier jobs, too.
     * @throws MeridianError TrainingFailed, TrainingStopped, CapacityUnavailable, BadArtifact, MissingObject,
     * SpotUnavailable (the job may still live; none is retried); DependencyUnavailable (retryable)
     */
    awaitTrainingJob: (awaited: AwaitedJob): Promise<TrainingOutcome> => awaitJob(dependencies, awaited),

    /**
     * Stops a training job and waits until it has stopped; one that has ended, or never existed, is left as it is.
     * @throws MeridianError AccessDenied
     */
    stopTrainingJob: ({ jobName }: { jobName: string }): Promise<EndedJob> => stopJob(dependencies, jobName),
  };
}
