import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  type Client,
  type Workflow,
} from '@temporalio/client';
import { WorkflowId } from '../../contracts/ids';
import type { LimitClaim, LimitRelease, LimitStanding } from '../../contracts/limits';
import { TaskQueue } from '../../contracts/task-queues';

/** The entity workflow of a limit, in words. */
export interface LimitClient {
  /** Asks, and starts the limit where it does not run; asked with the same update ID again, it is the same question. */
  acquire(name: string, updateId: string, claim: LimitClaim): Promise<LimitStanding>;
  /** Null where the limit does not run: then nobody holds anything. */
  standing(name: string, holder: string): Promise<LimitStanding | null>;
  release(name: string, updateId: string, holder: string): Promise<void>;
}

export function createLimitClient(temporal: Client): LimitClient {
  return {
    acquire: (name, updateId, claim) =>
      temporal.workflow.executeUpdateWithStart<Workflow, LimitStanding, [LimitClaim]>('acquire', {
        updateId,
        args: [claim],
        startWorkflowOperation: new WithStartWorkflowOperation('limit', {
          workflowId: WorkflowId.limit(name),
          taskQueue: TaskQueue.pipelines,
          workflowIdConflictPolicy: 'USE_EXISTING',
          args: [{ name }],
          staticSummary: `Limit ${name}: who may train now, and who waits`,
        }),
      }),

    async standing(name, holder) {
      const limit = temporal.workflow.getHandle(WorkflowId.limit(name));
      try {
        // A limit that has ended still answers, out of what it last knew.
        if ((await limit.describe()).status.name !== 'RUNNING') return null;
        return await limit.query<LimitStanding, [string]>('standing', holder);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },

    async release(name, updateId, holder) {
      const limit = temporal.workflow.getHandle(WorkflowId.limit(name));
      try {
        await limit.executeUpdate<LimitStanding, [LimitRelease]>('release', { updateId, args: [{ holder }] });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
  };
}
