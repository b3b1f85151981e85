import { Context } from '@temporalio/activity';
import type { DescribeHyperParameterTuningJobResponse } from '@aws-sdk/client-sagemaker';
import { TUNING_PROGRESS, type TuningProgress } from '../../../contracts/tuning';
import { searchedOf } from './trials';

/** Least time between two messages to the run, each of which is four events of its history. */
const TELL_MS = 3_000;
const TELL_DEADLINE_MS = 5_000;

const ENDED: ReadonlySet<string | undefined> = new Set(['Completed', 'Failed', 'Stopped', 'DeleteFailed']);

/** A status that is not known counts as still under way. */
export const hasTuningEnded = ({
  HyperParameterTuningJobStatus: status,
}: DescribeHyperParameterTuningJobResponse): boolean => ENDED.has(status);

/** Where a search is, for people who look at the activity that waits for it. */
export function progressOf(job: DescribeHyperParameterTuningJobResponse): TuningProgress {
  const { Completed, InProgress, RetryableError, NonRetryableError, Stopped } =
    job.TrainingJobStatusCounters ?? {};
  const best = job.BestTrainingJob;
  const trials = {
    running: InProgress ?? 0,
    completed: Completed ?? 0,
    failed: (RetryableError ?? 0) + (NonRetryableError ?? 0),
    stopped: Stopped ?? 0,
  };
  const value = best?.FinalHyperParameterTuningJobObjectiveMetric?.Value;
  return {
    phase: phaseOf(job, trials),
    jobName: job.HyperParameterTuningJobName!,
    seconds: Math.round((Date.now() - job.CreationTime!.getTime()) / 1000),
    trials,
    best:
      best && value !== undefined
        ? { jobName: best.TrainingJobName!, value, hyperparameters: searchedOf(best) }
        : null,
  };
}

function phaseOf(
  { HyperParameterTuningJobStatus: status }: DescribeHyperParameterTuningJobResponse,
  trials: TuningProgress['trials'],
): TuningProgress['phase'] {
  if (status === 'Stopping') return 'stopping';
  return Object.values(trials).some((count) => count > 0) ? 'tuning' : 'starting';
}

/** Tells the run that waits, so that its details show what its activity's heartbeats do; only what has changed, and not too often. */
export class ProgressTeller {
  private told = '';
  private earliest = 0;

  async tell(progress: TuningProgress): Promise<void> {
    const { seconds: _, ...rest } = progress;
    const news = JSON.stringify(rest);
    if (news === this.told || Date.now() < this.earliest) return;
    this.earliest = Date.now() + TELL_MS;
    try {
      const { client, info } = Context.current();
      const { workflowId, runId } = info.workflowExecution!;
      const run = client.workflow.getHandle(workflowId, runId);
      await client.withDeadline(Date.now() + TELL_DEADLINE_MS, () => run.signal(TUNING_PROGRESS, progress));
      this.told = news;
    } catch {
      // Shown again with the next change: what a run shows must never hold up what it waits for.
    }
  }
}
