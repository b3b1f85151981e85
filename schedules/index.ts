import {
  ScheduleNotFoundError,
  type Client,
  type ScheduleHandle,
  type ScheduleOptions,
} from '@temporalio/client';
import { msToNumber, msToTs, tsToMs } from '@temporalio/common/lib/time';
import { TaskQueue } from '../contracts/task-queues';
import { differences } from './compare';
import { schedules, type ScheduleDefinition } from './definitions';

export interface ScheduleChange {
  id: string;
  change: 'create' | 'update' | 'delete' | 'none';
  /** What an update changes. */
  differences: string[];
}

/** Marks the schedules that are ours to prune. */
const MANAGED_BY = 'meridian';

/** What `apply` would do, against what the server has. Changes nothing. */
export async function planSchedules(client: Client): Promise<ScheduleChange[]> {
  const changes: ScheduleChange[] = [];
  for (const definition of schedules) changes.push(await planOne(client, definition));
  for (const id of await strays(client)) changes.push({ id, change: 'delete', differences: [] });
  return changes;
}

/** Brings the server in line with the list: creates, updates, prunes. Doing it again does nothing. */
export async function applySchedules(client: Client): Promise<ScheduleChange[]> {
  const changes = await planSchedules(client);
  for (const { id, change } of changes) {
    const handle = client.schedule.getHandle(id);
    const definition = schedules.find((schedule) => schedule.id === id);
    if (change === 'create') await client.schedule.create(options(definition!));
    if (change === 'update') await update(handle, definition!);
    if (change === 'delete') await handle.delete();
  }
  return changes;
}

/** When a schedule runs between two times, as the server computes it: ISO 8601, UTC. */
export async function nextTimes(client: Client, id: string, from: Date, to: Date): Promise<string[]> {
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId: id,
    startTime: msToTs(from.getTime()),
    endTime: msToTs(to.getTime()),
  });
  return startTime.map((time) => new Date(tsToMs(time)).toISOString());
}

async function planOne(client: Client, definition: ScheduleDefinition): Promise<ScheduleChange> {
  const { id } = definition;
  try {
    const found = await client.schedule.getHandle(id).describe();
    const different = differences(options(definition), found);
    return { id, change: different.length > 0 ? 'update' : 'none', differences: different };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { id, change: 'create', differences: [] };
    throw error;
  }
}

/** Our schedules on the server that the list no longer has. */
async function strays(client: Client): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId, memo } of client.schedule.list()) {
    const ours = memo?.['managedBy'] === MANAGED_BY;
    if (ours && !schedules.some(({ id }) => id === scheduleId)) ids.push(scheduleId);
  }
  return ids;
}

function update(handle: ScheduleHandle, definition: ScheduleDefinition): Promise<void> {
  const { spec, action, policies } = options(definition);
  return handle.update((previous) => ({ ...previous, spec, action, policies }));
}

function options({
  id,
  summary,
  calendars,
  timezone,
  catchupWindow,
  launch,
}: ScheduleDefinition): ScheduleOptions & {
  action: { workflowId: string };
} {
  return {
    scheduleId: id,
    spec: { calendars, timezone },
    // `launch` ends in seconds and itself tells of runs that are still open, so nothing is ever skipped in silence.
    policies: { overlap: 'ALLOW_ALL', catchupWindow: msToNumber(catchupWindow), pauseOnFailure: false },
    action: {
      type: 'startWorkflow',
      workflowType: 'launch',
      workflowId: id,
      taskQueue: TaskQueue.pipelines,
      args: [{ schedule: id, ...launch }],
      staticSummary: summary,
    },
    memo: { managedBy: MANAGED_BY },
  };
}
