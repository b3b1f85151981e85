import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';

/** What a person needs to know of a failure: its type, its message, and where it happened. */
export interface FailureSummary {
  type: string;
  message: string;
  /** The activity or child workflow that failed, where there was one. */
  where: string;
}

/** Unwraps activity and child failures down to the reason. */
export function summarize(error: unknown): FailureSummary {
  let where = '';
  let current: unknown = error;
  while (current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) {
    where = current instanceof ActivityFailure ? current.activityType : current.workflowType;
    if (!current.cause) break;
    current = current.cause;
  }
  const message = current instanceof Error ? current.message : String(current);
  if (current instanceof ApplicationFailure) return { type: current.type ?? 'Error', message, where };
  if (current instanceof TimeoutFailure)
    return { type: 'Timeout', message: `${message} (${current.timeoutType})`, where };
  return { type: current instanceof Error ? current.name : 'Error', message, where };
}

/** Handles the failure of a message: nothing waits on what people are told, except that a cancelled run ends. */
export function unlessCancelled(error: unknown): void {
  if (isCancellation(error)) throw error;
}
