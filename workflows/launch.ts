import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { validateLaunchInput } from '../contracts/generated/validators';
import type { LaunchInput } from '../contracts/generated/types';
import type { Day } from '../contracts/days';
import { WorkflowId } from '../contracts/ids';
import { quarterOf } from '../contracts/label-review';
import { monitoring, notifications } from './shared/activities';
import { unlessCancelled } from './shared/failure';
import { parseInput } from './shared/input';
import { lastCompleteDay, pacificDate } from './shared/pacific-date';
import { Run } from './shared/run';

export interface LaunchResult {
  workflowId: string;
  started: boolean;
  /** Runs of the same kind that were open already. */
  open: string[];
}

/**
 * What every schedule starts: derives the Pacific date, starts the real workflow under its exact ID as an abandoned
 * child, on the data up to the day before, and ends in seconds. An earlier run that is still open (parked, perhaps) is told about, never swallowed.
 */
export async function launch(raw: unknown): Promise<LaunchResult> {
  const input = parseInput<LaunchInput>(validateLaunchInput, 'launch', raw);
  const { schedule, workflow, model } = input;
  const scheduled = scheduledTime();
  const date = pacificDate(scheduled);
  const run = new Run(`${schedule}: start ${workflow} for ${date}`, { model, trigger: 'schedule' });
  const { workflowId, argument } = target(input, date, lastCompleteDay(scheduled));

  const open = await run.step(
    'look',
    {
      doing: 'Looking for earlier runs',
      done: (ids) => (ids.length > 0 ? `still open: ${ids.join(', ')}` : 'none open'),
    },
    () => monitoring.findOpenRuns({ workflow, model: model ?? null }),
  );
  if (open.length > 0)
    await notifications.notifyStillOpen({ schedule, starting: workflowId, open }).catch(unlessCancelled);
  const started = await run.step(
    'start',
    { doing: `Starting ${workflowId}`, done: (s) => (s ? workflowId : `${workflowId} was started before`) },
    () => startOnce(workflow, workflowId, argument),
  );
  return { workflowId, started, open };
}

/** The time the schedule meant, which a late start (an outage, a catch-up) does not change. */
function scheduledTime(): Date {
  const attribute = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0];
  return attribute instanceof Date ? attribute : workflowInfo().startTime;
}

/** A run is named by its own date, and works on the data of the day before. */
function target(
  { workflow, model, input }: LaunchInput,
  date: Day,
  newestDay: Day,
): { workflowId: string; argument: object } {
  switch (workflow) {
    case 'retrainModel':
      return {
        workflowId: WorkflowId.retrain(model!, date),
        argument: { model, label: date, asOf: newestDay, trigger: 'schedule', ...input },
      };
    case 'materializeFeatures':
      return {
        workflowId: WorkflowId.materializeFeatures(date),
        argument: { date: newestDay, trigger: 'schedule', ...input },
      };
    case 'scoreBatch':
      return {
        workflowId: WorkflowId.scoreBatch(model!, date),
        argument: { model, date: newestDay, trigger: 'schedule', ...input },
      };
    case 'reviewLabels': {
      const quarter = quarterOf(date);
      return {
        workflowId: WorkflowId.reviewLabels(model!, quarter),
        argument: { model, quarter, trigger: 'schedule', ...input },
      };
    }
    case 'compareStores':
      return {
        workflowId: WorkflowId.compareStores(date),
        argument: { date, trigger: 'schedule', ...input },
      };
  }
}

async function startOnce(workflow: string, workflowId: string, argument: object): Promise<boolean> {
  try {
    await startChild(workflow, {
      workflowId,
      args: [argument],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `${workflow}, by schedule`,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
