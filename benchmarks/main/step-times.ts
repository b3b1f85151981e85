import type { Client, WorkflowHandle } from '@temporalio/client';
import { SearchAttribute } from '../../contracts/search-attributes';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

/** A finished run as its history tells it. */
export interface RunTimes {
  startedAt: Date;
  endedAt: Date;
  /** Seconds by step, in the order they were done. */
  steps: Map<string, number>;
  /** When each was last done. */
  ends: Map<string, Date>;
}

export async function runTimes(client: Client, workflowId: string): Promise<RunTimes> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return timesOf(events ?? []);
}

/** Each step lasts from the event that named it to the one that names the next, the last to the end of the run. */
export function timesOf(events: readonly HistoryEvent[]): RunTimes {
  const [first, last] = [events.at(0), events.at(-1)];
  if (!first || !last) throw new Error('A history without events: expected a finished run.');
  const moments = [
    ...events.flatMap((event) => {
      const step = stepNamedBy(event);
      return step === undefined ? [] : [{ step, at: milliseconds(event) }];
    }),
    { step: undefined, at: milliseconds(last) },
  ];
  const steps = new Map<string, number>();
  const ends = new Map<string, Date>();
  for (const [index, { step, at }] of moments.entries()) {
    if (step === undefined) continue;
    const end = moments[index + 1]!.at;
    steps.set(step, (steps.get(step) ?? 0) + (end - at) / 1000);
    ends.set(step, new Date(end));
  }
  return { startedAt: new Date(milliseconds(first)), endedAt: new Date(milliseconds(last)), steps, ends };
}

function stepNamedBy(event: HistoryEvent): string | undefined {
  const fields = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
  const data = fields?.[SearchAttribute.step.name]?.data;
  return data ? (JSON.parse(Buffer.from(data).toString('utf8')) as string) : undefined;
}

const milliseconds = ({ eventTime }: HistoryEvent): number =>
  Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
