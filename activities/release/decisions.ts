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
/** A closed writer still answers queries, so that now and then it is asked whether it runs. */
const LOOKS_A_CHECK = 10;

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
     * Waits until the decision is carried out; heartbeats where it stands. A writer that was lost, with what it was
     * asked, is asked again.
     * @throws MeridianError Conflict, with the reason, where the decision was refused or overtaken
     */
    async awaitDecision({
      model,
      decision,
    }: {
      model: string;
      decision: ReleaseDecision;
    }): Promise<DecisionOutcome> {
      const writer = temporal.workflow.getHandle(WorkflowId.release(model));
      for (let look = 1; ; look += 1) {
        const outcome = await writer
          .query<DecisionOutcome | null, [string]>('decision', decision.id)
          .catch(nullWhereAbsent);
        if (outcome?.status === 'done') return outcome;
        if (outcome?.status === 'refused' || outcome?.status === 'overtaken') {
          throw new MeridianError(
            ErrorCode.Conflict,
            `${decision.id} was ${outcome.status}: ${outcome.problem}`,
          );
        }
        const lost =
          outcome === null ||
          (look % LOOKS_A_CHECK === 0 && (await writer.describe()).status.name !== 'RUNNING');
        if (lost) await ask(model, 'decide', decision.id, decision);
        Context.current().heartbeat({ phase: outcome?.status ?? 'unknown', decisionId: decision.id });
        await Context.current().sleep(LOOK_EVERY_MS);
      }
    },
  };
}

/** Null where the writer does not run: what it was asked is then to be asked again. */
function nullWhereAbsent(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
