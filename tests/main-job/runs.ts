import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RetrainModelInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import { SearchAttribute } from '../../contracts/search-attributes';
import { TaskQueue } from '../../contracts/task-queues';
import type { RetrainResult } from '../../workflows/retrain-model';
import type { RollOutResult } from '../../workflows/roll-out-model';
import { until } from '../support/servers';
import type { Platform } from './platform';

/** A Temporal server with workers. */
type Runs = Pick<Platform, 'client'>;

/** How long a run may take on a machine that has other things to do. */
const PATIENCE_MS = 180_000;

export interface Released extends RetrainResult, RollOutResult {}

/** Starts a retraining (of churn, where no model is named) that is released at once. @returns its workflow ID */
export async function startRetraining(
  { client, day }: Platform,
  label: string,
  { model = 'churn', ...input }: Partial<RetrainModelInput> = {},
): Promise<string> {
  const workflowId = WorkflowId.retrain(model, label);
  await client.workflow.start('retrainModel', {
    workflowId,
    taskQueue: TaskQueue.pipelines,
    args: [{ model, label, asOf: day, rollOutSteps: [], ...input }],
  });
  return workflowId;
}

/** Starts a workflow as a person does who has nothing of ours installed. */
export const startFromCli = (platform: Platform, type: string, workflowId: string, input: object) =>
  platform.temporal('workflow start', {
    type,
    'task-queue': TaskQueue.pipelines,
    'workflow-id': workflowId,
    input: JSON.stringify(input),
  });

/** A retraining's result and its roll-out's, once both have ended. */
export async function released(platform: Platform, workflowId: string): Promise<Released> {
  const result = await resultOf<RetrainResult>(platform, workflowId);
  if (result.rollOut === null) throw new Error(`${workflowId}: verdict ${result.verdict}, so not released.`);
  return { ...result, ...(await resultOf<RollOutResult>(platform, result.rollOut)) };
}

/** What a run came to. @throws Error where it parks, or has not ended in time */
export async function resultOf<T>(platform: Runs, workflowId: string): Promise<T> {
  const handle = platform.client.workflow.getHandle(workflowId);
  await until(
    `the end of ${workflowId}`,
    async () => {
      const { status } = await handle.describe();
      if (status.name !== 'RUNNING') return true;
      const parked = await parkedUnder(platform, workflowId);
      if (parked) throw new Error(`${parked} is parked:\n${await detailsOf(platform, parked)}`);
      return false;
    },
    PATIENCE_MS,
  );
  return (await handle.result()) as T;
}

/** Waits until that run itself is parked. @returns its details, as the UI shows them */
export async function parked(platform: Platform, workflowId: string): Promise<string> {
  await until(
    `${workflowId} to park`,
    async () => {
      const description = await platform.client.workflow.getHandle(workflowId).describe();
      if (description.status.name !== 'RUNNING')
        throw new Error(`${workflowId} ended (${description.status.name}) instead of parking.`);
      return attribute(description, SearchAttribute.needsAttention) === true;
    },
    PATIENCE_MS,
  );
  return detailsOf(platform, workflowId);
}

/** Waits until the run is in that step. */
export async function inStep(platform: Platform, workflowId: string, step: string): Promise<void> {
  await until(
    `${workflowId} to reach its step "${step}"`,
    async () => {
      const description = await platform.client.workflow.getHandle(workflowId).describe();
      if (description.status.name !== 'RUNNING') throw new Error(`${workflowId} ended before ${step}.`);
      return attribute(description, SearchAttribute.step) === step;
    },
    PATIENCE_MS,
  );
}

/** Waits until an activity of the run is being retried after a failure that says so. @returns the activity */
export async function retriedAfter(platform: Platform, workflowId: string, said: string): Promise<string> {
  return until(
    `an activity of ${workflowId} to be retried after "${said}"`,
    async () => {
      const { raw, status } = await platform.client.workflow.getHandle(workflowId).describe();
      if (status.name !== 'RUNNING') throw new Error(`${workflowId} ended without meeting "${said}".`);
      const retried = raw.pendingActivities?.find(({ lastFailure }) => lastFailure?.message?.includes(said));
      return retried?.activityType?.name;
    },
    PATIENCE_MS,
  );
}

/** How often each activity of a run was scheduled, retries of the server not counted, and how often tried. */
export async function activitiesOf(
  { client }: Platform,
  workflowId: string,
): Promise<Record<string, { scheduled: number; attempts: number[] }>> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const counts: Record<string, { scheduled: number; attempts: number[] }> = {};
  const names = new Map<string, string>();
  for (const {
    eventId,
    activityTaskScheduledEventAttributes,
    activityTaskStartedEventAttributes,
  } of events ?? []) {
    const name = activityTaskScheduledEventAttributes?.activityType?.name;
    if (name) {
      names.set(String(eventId), name);
      (counts[name] ??= { scheduled: 0, attempts: [] }).scheduled += 1;
    }
    if (activityTaskStartedEventAttributes) {
      const { scheduledEventId, attempt } = activityTaskStartedEventAttributes;
      counts[names.get(String(scheduledEventId))!]!.attempts.push(attempt ?? 1);
    }
  }
  return counts;
}

/** A run's current details: what it is doing, in words. */
export async function detailsOf({ client }: Runs, workflowId: string): Promise<string> {
  const { currentDetails } = await client.workflow
    .getHandle(workflowId)
    .query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
}

async function parkedUnder({ client }: Runs, workflowId: string): Promise<string | undefined> {
  const query =
    `ExecutionStatus = "Running" AND ${SearchAttribute.needsAttention.name} = true ` +
    `AND (RootWorkflowId = "${workflowId}" OR WorkflowId STARTS_WITH "release/")`;
  for await (const run of client.workflow.list({ query })) return run.workflowId;
  return undefined;
}

const attribute = (
  { typedSearchAttributes }: WorkflowExecutionDescription,
  name: (typeof SearchAttribute)['step' | 'needsAttention'],
): unknown => typedSearchAttributes.get(name as typeof SearchAttribute.step);
