import { CancellationScope, isCancellation, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import { ErrorCode } from '../../contracts/errors';
import type { RetrainModelInput } from '../../contracts/generated/types';
import type { TrainingEnd } from '../../contracts/training-end';
import type { TrainingOutcome } from '../../contracts/training';
import { notifications } from './activities';
import { summarize } from './failure';

/** What a run has come to so far, as it will be told. */
export type TrainingStory = Pick<TrainingEnd, 'version' | 'verdict' | 'metrics' | 'estimate' | 'mlflow'> & {
  outcome: TrainingOutcome | null;
};

/** Does the work, and tells who started it how it ended, well or not. A parked step tells by itself, and is no end. */
export async function tellingItsEnd<T>(
  input: RetrainModelInput,
  work: (story: TrainingStory) => Promise<T>,
): Promise<T> {
  const story: TrainingStory = {
    version: null,
    verdict: null,
    metrics: null,
    estimate: null,
    mlflow: null,
    outcome: null,
  };
  try {
    const result = await work(story);
    await tell(input, story, { ended: 'completed', problem: null });
    return result;
  } catch (error) {
    // Any other error ends no run: its task is done again, by a worker whose code is mended.
    if (error instanceof TemporalFailure) await tell(input, story, endOf(error));
    throw error;
  }
}

function endOf(error: unknown): Pick<TrainingEnd, 'ended' | 'problem'> {
  if (isCancellation(error)) return { ended: 'cancelled', problem: null };
  const { type, message } = summarize(error);
  return { ended: type === ErrorCode.StepAborted ? 'aborted' : 'failed', problem: `${type}: ${message}` };
}

async function tell(
  { model, trigger = 'person', by = '', reason = '' }: RetrainModelInput,
  { outcome, ...story }: TrainingStory,
  end: Pick<TrainingEnd, 'ended' | 'problem'>,
): Promise<void> {
  const { workflowId, firstExecutionRunId: runId, startTime } = workflowInfo();
  const about: TrainingEnd = {
    workflowId,
    runId,
    model,
    trigger,
    by,
    reason,
    ...end,
    seconds: (Date.now() - startTime.getTime()) / 1000,
    ...story,
    jobName: outcome?.jobName ?? null,
    trainingSeconds: outcome?.trainingSeconds ?? null,
    billableSeconds: outcome?.billableSeconds ?? null,
    cost: outcome?.cost ?? null,
  };
  // Whatever becomes of the message, and of the run meanwhile, it has ended as it has.
  await CancellationScope.nonCancellable(() => notifications.notifyTrainingEnded(about)).catch(
    () => undefined,
  );
}
