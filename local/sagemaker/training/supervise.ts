import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { INTERNAL_ERROR } from '../api/errors';
import { Control } from '../jobs/control';
import { clientFailure } from '../jobs/supervise-once';
import type { Supervised } from '../jobs/supervised';
import { failed, type Ending, type Timeline } from '../jobs/timeline';
import { watch } from '../jobs/watch';
import { keepCheckpoints } from './checkpoints';
import { awaitReplacement, launchInstances } from './launch';
import { startContainers, type Containers } from './containers';
import { finish } from './finish';
import { maximumRetries } from './kind';

export type Training = Supervised<CreateTrainingJobRequest>;

const DEFAULT_MAX_RUNTIME_SECONDS = 86_400;

/** What ends one start of a job and lets another follow. */
type Again = 'interrupted' | 'broken';

/** Takes a job from its creation to its end, over as many spot interruptions and internal errors as there are. */
export async function superviseTraining(job: Training): Promise<void> {
  const { record, folder, timeline } = job;
  const wait = record.request.StoppingCondition?.MaxWaitTimeInSeconds;
  const deadline = wait === undefined ? undefined : record.creationTime + wait * 1000;
  for (;;) {
    const control = new Control(folder, timeline.progress, deadline);
    try {
      const ending = await runOnInstances(job, control);
      if (ending === 'interrupted') await timeline.enter('Interrupted');
      else if (ending !== 'broken') return await timeline.end(ending);
      else if ((timeline.progress.retries ?? 0) >= maximumRetries(job)) {
        return await timeline.end(failed(INTERNAL_ERROR));
      }
      // The machine goes down: the service that comes next starts the job again.
      else if (control.demand === 'shutdown') return;
      else await timeline.retry();
    } finally {
      control.close();
    }
  }
}

async function runOnInstances(job: Training, control: Control): Promise<Ending | Again> {
  try {
    await awaitReplacement(job, control);
    await job.timeline.enter('Starting');
    const impossible = await launchInstances(job, control);
    if (impossible) return impossible;
    const containers = await startContainers(job, control);
    return await train(job, containers, control);
  } catch (error) {
    return (await demanded(job, control)) ?? clientFailure(error);
  }
}

async function train(job: Training, containers: Containers, control: Control): Promise<Ending | Again> {
  const { record, timeline, env } = job;
  const { running, all } = containers;
  const limit = record.request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_MAX_RUNTIME_SECONDS;
  const limitMs = limit * 1000 - trainedBefore(timeline);
  const syncs = all.flatMap(({ checkpoints }) => (checkpoints ? [keepCheckpoints(checkpoints)] : []));
  const { cut, exitCodes } = await watch({ running, control, timeline, limitMs, env });
  const lost = cut === 'interrupt' || cut === 'break';
  for (const stopSync of syncs) await stopSync(!lost);
  if (cut === 'interrupt') return 'interrupted';
  if (cut === 'break' || cut === 'shutdown') return 'broken';
  return finish(job, containers, exitCodes, cut);
}

/** Milliseconds that earlier starts of the job have trained: the limit is on all of them together. */
const trainedBefore = ({ progress }: Timeline): number =>
  progress.transitions
    .filter(({ status, end }) => status === 'Training' && end !== undefined)
    .reduce((sum, { start, end }) => sum + end! - start, 0);

/** How a job ends, or goes on, that was cut short before its program began. */
async function demanded({ timeline }: Training, { demand }: Control): Promise<Ending | Again | null> {
  if (!demand) return null;
  if (demand === 'interrupt') return 'interrupted';
  if (demand === 'break' || demand === 'shutdown') return 'broken';
  await timeline.enter('Stopping');
  return { outcome: 'Stopped', status: demand === 'stop' ? 'Stopped' : 'MaxWaitTimeExceeded' };
}
