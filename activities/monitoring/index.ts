import type { Client } from '@temporalio/client';
import type { ObjectStore } from '../../platform/s3';
import { countCaptured } from './captures';

interface Dependencies {
  store: ObjectStore;
  temporal: Client;
}

export function createMonitoringActivities({ store, temporal }: Dependencies) {
  return {
    /** How many predictions of a version were captured since that moment (ISO 8601): those answered, and those failed. */
    countPredictions: (query: { model: string; version: string; since: string }) =>
      countCaptured(store, query),

    /** The open runs of a workflow type for a model (or for none), as their workflow IDs: what `launch` warns of. */
    async findOpenRuns({ workflow, model }: { workflow: string; model: string | null }): Promise<string[]> {
      const about = model ? ` AND MeridianModel = '${model}'` : '';
      const open: string[] = [];
      const query = `WorkflowType = '${workflow}' AND ExecutionStatus = 'Running'${about}`;
      for await (const { workflowId } of temporal.workflow.list({ query })) open.push(workflowId);
      return open;
    },
  };
}
