import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { SearchAttribute } from '../../contracts/search-attributes';
import { TaskQueue } from '../../contracts/task-queues';

const LOOK_MS = 250;

/** Told of a run's steps; one that passes between two looks is not seen. */
export interface StepListener {
  entered(step: string): void;
  left(step: string, seconds: number): void;
}

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
export async function follow<T>(client: Client, workflowId: string, listener?: StepListener): Promise<T> {
  const end = new AbortController();
  const watching = watch(client, workflowId, listener, end.signal);
  const parked = watching.then(() => new Promise<never>(() => undefined));
  try {
    return await Promise.race([client.workflow.getHandle(workflowId).result() as Promise<T>, parked]);
  } finally {
    end.abort();
    await watching.catch(() => undefined); // what it threw has won the race, or comes too late to matter
  }
}

/** Looks at a run until it has ended. */
async function watch(
  client: Client,
  workflowId: string,
  listener: StepListener | undefined,
  ended: AbortSignal,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  let current: { step: string; since: number } | undefined;
  const leave = (): void => {
    if (current) listener?.left(current.step, (Date.now() - current.since) / 1000);
  };
  while (!ended.aborted) {
    const { typedSearchAttributes } = await handle.describe();
    const step = typedSearchAttributes.get(SearchAttribute.step);
    if (step !== undefined && step !== current?.step) {
      leave();
      listener?.entered(step);
      current = { step, since: Date.now() };
    }
    const parked = await parkedUnder(client, workflowId);
    if (parked !== undefined) throw new RunParked(parked, step ?? '');
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  leave();
}

async function parkedUnder(client: Client, workflowId: string): Promise<string | undefined> {
  const query =
    `RootWorkflowId = "${workflowId}" AND ExecutionStatus = "Running" ` +
    `AND ${SearchAttribute.needsAttention.name} = true`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) return run.workflowId;
  return undefined;
}
