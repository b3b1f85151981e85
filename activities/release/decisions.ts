import { Context } from '@temporalio/activity';
import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  type Client,
  type Workflow,
} from '@temporalio/client';
import type { DecisionOutcome, ReleaseDecision, VersionAllocation } from '../../contracts/decision';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';

const LOOK_EVERY_MS = 300;

export function createDecisionActivities(temporal: Client) {
  /** Sends an update to the model's one writer, and starts the writer where it does not run yet. */
  function ask<Answer>(model: string, update: string, updateId: string, argument: unknown): Promise<Answer> {
    return temporal.workflow.executeUpdateWithStart<Workflow, Answer, [unknown]>(update, {
      updateId,
      args: [argument],
      startWorkflowOperation: new WithStartWorkflowOperation('releaseModel', {
        workflowId: WorkflowId.release(model),
        taskQueue: TaskQueue.pipelines,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ model }],
        staticSummary: `Release ${model}: the only writer of what it serves`,
      }),
    });
  }

  return {
    /** The version of a run; the same run always gets the same one. */
    allocateVersion: ({
      model,
      allocation,
    }: {
      model: string;
      allocation: VersionAllocation;
    }): Promise<string> => ask<string>(model, 'allocateVersion', allocation.runKey, allocation),

    /** Queues a decision; asking twice queues it once. */
    requestDecision: ({
      model,
      decision,
    }: {
      model: string;
      decision: ReleaseDecision;
    }): Promise<DecisionOutcome> => ask<DecisionOutcome>(model, 'decide', decision.id, decision),

    /**
     * Waits until the decision is carried out; heartbeats where it stands.
     * @throws MeridianError Conflict, with the reason, where it was refused
     */
    async awaitDecision({
      model,
      decisionId,
    }: {
      model: string;
      decisionId: string;
    }): Promise<DecisionOutcome> {
      const writer = temporal.workflow.getHandle(WorkflowId.release(model));
      for (;;) {
        const outcome = await writer
          .query<DecisionOutcome | null, [string]>('decision', decisionId)
          .catch(explainAbsence);
        if (outcome?.status === 'done') return outcome;
        if (outcome?.status === 'refused') {
          throw new MeridianError(
            ErrorCode.Conflict,
            `releaseModel refused ${decisionId}: ${outcome.problem}`,
          );
        }
        Context.current().heartbeat({ phase: outcome?.status ?? 'unknown', decisionId });
        await Context.current().sleep(LOOK_EVERY_MS);
      }
    },
  };

  function explainAbsence(error: unknown): never {
    if (error instanceof WorkflowNotFoundError) {
      throw new MeridianError(
        ErrorCode.DependencyUnavailable,
        `${error.workflowId} does not run. Ask for the decision again.`,
      );
    }
    throw error;
  }
}
