import { row, type Row } from '../row';
import { median } from '../statistics';
import type { Connected } from '../main/platform';
import { runTimes } from '../main/step-times';
import type { Trained } from './run';

/** What a job costs beside its training. */
export interface Overhead {
  /** Seconds from the job's creation to the first step that its program tells of. */
  toFirstLine: number;
  /** Seconds from the last step that its program tells of until the version is registered. */
  toRegistered: number;
}

export async function overheadOf(
  { client }: Connected,
  { workflowId, job, lines }: Trained,
): Promise<Overhead> {
  const { ends } = await runTimes(client, workflowId);
  const registered = ends.get('register');
  if (!registered || lines.length === 0)
    throw new Error(`${workflowId}: expected a step named register, and a program that logs its steps.`);
  return {
    toFirstLine: (lines[0]!.timestamp - job.CreationTime!.getTime()) / 1000,
    toRegistered: (registered.getTime() - lines.at(-1)!.timestamp) / 1000,
  };
}

export const overheadRows = (overheads: readonly Overhead[]): Row[] => [
  row({
    measure: 'churn: from the job being created to its first step logged',
    unit: 's',
    value: median(overheads.map(({ toFirstLine }) => toFirstLine)),
  }),
  row({
    measure: 'churn: from its last step logged to the version being registered',
    unit: 's',
    value: median(overheads.map(({ toRegistered }) => toRegistered)),
  }),
];
