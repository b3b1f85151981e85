import {
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';

/** An error as a person at a terminal wants it: the reason, without the stack. */
export function summarizeError(error: unknown): string {
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError)
    return rootMessage(error);
  if (error instanceof WorkflowNotFoundError)
    return `no workflow ${error.workflowId} is running. Check its ID in the Temporal UI.`;
  if (error instanceof ServiceError) return `${error.message}: ${rootMessage(error)}`;
  return error instanceof Error ? error.message : String(error);
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}
