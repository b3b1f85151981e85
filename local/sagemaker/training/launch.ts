import { setTimeout as sleep } from 'node:timers/promises';
import { CAPACITY_ERROR } from '../api/errors';
import { isAvailable } from '../faults/capacity';
import { takeTicket } from '../faults/tickets';
import type { Control } from '../jobs/control';
import { failed, type Ending } from '../jobs/timeline';
import type { Training } from './supervise';

/** How long another spot instance takes to come; SageMaker bills nothing meanwhile, and counts in whole seconds. */
const REPLACEMENT_MS = 1_000;
const LOOK_EVERY_MS = 200;

/** After an interruption: the job is Interrupted until another spot instance comes. */
export async function awaitReplacement({ timeline }: Training, control: Control): Promise<void> {
  if (timeline.progress.transitions.at(-1)?.status !== 'Interrupted') return;
  await sleep(REPLACEMENT_MS, undefined, { signal: control.signal });
}

/**
 * Waits until there are instances for the job.
 * @returns why it fails, where there will be none
 */
export async function launchInstances(
  { record, timeline, home }: Training,
  control: Control,
): Promise<Ending | null> {
  await control.look();
  control.signal.throwIfAborted();
  const { ResourceConfig, EnableManagedSpotTraining } = record.request;
  const pool = { instanceType: ResourceConfig!.InstanceType!, spot: EnableManagedSpotTraining ?? false };
  if (await takeTicket(home, { fault: 'capacity', jobName: record.name, ...pool }))
    return failed(CAPACITY_ERROR);
  if (!(await isAvailable(home, pool))) {
    await timeline.explain('Insufficient capacity error from EC2 while launching instances, retrying!');
    do await sleep(LOOK_EVERY_MS, undefined, { signal: control.signal });
    while (!(await isAvailable(home, pool)));
  }
  control.signal.throwIfAborted();
  return null;
}
