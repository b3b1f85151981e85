import { Context } from '@temporalio/activity';

/** Tells Temporal, and whoever looks at its UI, where a long activity is. @throws CancelledFailure once cancelled. */
export function heartbeat<Phase extends object>(phase: Phase): void {
  const context = Context.current();
  context.cancellationSignal.throwIfAborted();
  context.heartbeat(phase);
}
