import { setTimeout as sleep } from 'node:timers/promises';
import { CheckpointSync } from '../container/checkpoints';
import type { Control, Demand } from '../jobs/control';
import { stopGraceMs } from '../jobs/grace';
import { setTimer } from '../jobs/timer';
import type { Timeline } from '../jobs/timeline';
import { withPatience } from '../patience';
import type { Containers } from './containers';
import type { Training } from './supervise';

const DEFAULT_MAX_RUNTIME_SECONDS = 86_400;
const CHECKPOINT_SYNC_MS = 1000;

/** Why programs ended before their time: it was demanded, their time was up, or another host's program had failed. */
export type Cut = Demand | 'max-runtime' | 'host-failed' | null;

/** Waits for the programs; cuts them short where that is demanded, where their time is up, or where one has failed. */
export async function watch(
  job: Training,
  { all, running }: Containers,
  control: Control,
): Promise<{ cut: Cut; exitCodes: number[] }> {
  const { record, timeline, env } = job;
  let cut: Cut = null;
  let told: Promise<void> | undefined;
  const timers: NodeJS.Timeout[] = [];
  const signal = (name: NodeJS.Signals) => running.forEach((program) => program.signal(name));
  const end = (why: NonNullable<Cut>) => {
    if (cut) return;
    cut = why;
    if (why === 'interrupt' || why === 'break') return signal('SIGKILL');
    signal('SIGTERM');
    if (why !== 'host-failed' && why !== 'shutdown') told = timeline.enter('Stopping');
    timers.push(setTimeout(() => signal('SIGKILL'), stopGraceMs(env, why === 'shutdown')));
  };
  const demanded = () => end(control.demand!);
  if (control.demand) demanded();
  control.signal.addEventListener('abort', demanded);
  const limit = record.request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_MAX_RUNTIME_SECONDS;
  timers.push(setTimer(() => end('max-runtime'), limit * 1000 - trainedBefore(timeline)));
  const syncs = await Promise.all(all.map(({ layout }) => keepCheckpoints(job, layout.checkpoints)));
  const exitCodes = await Promise.all(
    running.map(async ({ ended }) => {
      const code = await ended;
      if (code !== 0) end('host-failed');
      return code;
    }),
  );
  timers.forEach(clearTimeout);
  control.signal.removeEventListener('abort', demanded);
  await told;
  const lost = cut === 'interrupt' || cut === 'break';
  for (const stopSync of syncs) await stopSync(!lost);
  return { cut, exitCodes };
}

/** Milliseconds that earlier starts of the job have trained: the limit is on all of them together. */
const trainedBefore = ({ progress }: Timeline): number =>
  progress.transitions
    .filter(({ status, end }) => status === 'Training' && end !== undefined)
    .reduce((sum, { start, end }) => sum + end! - start, 0);

/** Uploads checkpoints while a program runs; the returned function ends that, with a last upload if asked. */
async function keepCheckpoints(
  { record, storage }: Training,
  folder: string,
): Promise<(last: boolean) => Promise<void>> {
  const uri = record.request.CheckpointConfig?.S3Uri;
  if (!uri) return () => Promise.resolve();
  const sync = new CheckpointSync(uri, folder, storage);
  await sync.begin();
  const end = new AbortController();
  const rounds = (async () => {
    while (!end.signal.aborted) {
      // A round that fails (S3 away, a file gone while it was read) is made up for by the next.
      await sync.sync().catch(() => undefined);
      await sleep(CHECKPOINT_SYNC_MS, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  return async (last) => {
    end.abort();
    await rounds;
    if (last) await withPatience(() => sync.sync());
  };
}
