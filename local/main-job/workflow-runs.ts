import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { SearchAttribute } from '../../contracts/search-attributes';
import { TaskQueue } from '../../contracts/task-queues';

const LOOK_MS = 250;

/** Told when a run enters a step, with the seconds that the one before took. */
export type OnStep = (step: string, before?: { step: string; seconds: number }) => void;

/** A step has used up its retries: the run waits for a person. */
export class RunParked extends Error {
  constructor(workflowId: string, step: string) {
    super(
      `${workflowId} is parked in its step "${step}": its details in the Temporal UI say why. ` +
        'When that is mended: npx meridian resolve --help',
    );
    this.name = 'RunParked';
  }
}

/**
 * Starts a workflow under its exact ID; where it runs already, or has completed, that very run is taken (one that failed
 * is started again). @returns the ID
 */
export async function startOrAdopt(
  client: Client,
  type: string,
  workflowId: string,
  input: object,
  staticSummary: string,
): Promise<string> {
  const options: WorkflowStartOptions = {
    workflowId,
    taskQueue: TaskQueue.pipelines,
    args: [input],
    staticSummary,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'USE_EXISTING',
  };
  try {
    await client.workflow.start(type, options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return workflowId;
}

/**
 * Waits for a run's result and tells of its steps on the way.
 * @throws RunParked where it, or a child of it, waits for a person; what the run failed with, where it fails
 */
export async function follow<T>(
  client: Client,
  workflowId: string,
  onStep: OnStep = () => undefined,
): Promise<T> {
  const handle = client.workflow.getHandle(workflowId);
  const end = new AbortController();
  const result = (handle.result() as Promise<T>).finally(() => end.abort());
  return Promise.race([result, watch(client, workflowId, onStep, end.signal)]);
}

/** Ends only by throwing; never where the run is over. */
async function watch(client: Client, workflowId: string, onStep: OnStep, ended: AbortSignal): Promise<never> {
  let current: { step: string; since: number } | undefined;
  while (!ended.aborted) {
    const { typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
    const step = typedSearchAttributes.get(SearchAttribute.step);
    if (step !== undefined && step !== current?.step) {
      onStep(step, current && { step: current.step, seconds: (Date.now() - current.since) / 1000 });
      current = { step, since: Date.now() };
    }
    const parked = await parkedUnder(client, workflowId);
    if (parked !== undefined) throw new RunParked(parked, step ?? '');
    await sleep(LOOK_MS);
  }
  return new Promise<never>(() => undefined);
}

async function parkedUnder(client: Client, workflowId: string): Promise<string | undefined> {
  const query =
    `RootWorkflowId = "${workflowId}" AND ExecutionStatus = "Running" ` +
    `AND ${SearchAttribute.needsAttention.name} = true`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) return run.workflowId;
  return undefined;
}
