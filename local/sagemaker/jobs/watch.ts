import type { RunningProgram } from '../container/running';
import type { Control, Demand } from './control';
import { setTimer } from './timer';
import type { Timeline } from './timeline';

const STOP_GRACE_SECONDS = 120;
/** What is left when the machine itself goes down. */
const SHUTDOWN_GRACE_MS = 1000;

/** Why programs ended before their time: it was demanded, their time was up, or another host's program had failed. */
export type Cut = Demand | 'max-runtime' | 'host-failed' | null;

export interface Watched {
  running: RunningProgram[];
  control: Control;
  timeline: Timeline;
  /** How long they may run. */
  limitMs: number;
  env: NodeJS.ProcessEnv;
}

/** Waits for the programs; cuts them short where that is demanded, where their time is up, or where one has failed. */
export async function watch(watched: Watched): Promise<{ cut: Cut; exitCodes: number[] }> {
  const { running, control, timeline, limitMs, env } = watched;
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
    timers.push(setTimeout(() => signal('SIGKILL'), graceMs(env, why)));
  };
  const demanded = () => end(control.demand!);
  if (control.demand) demanded();
  control.signal.addEventListener('abort', demanded);
  timers.push(setTimer(() => end('max-runtime'), limitMs));
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
  return { cut, exitCodes };
}

/** How long a program has between SIGTERM and SIGKILL. */
function graceMs(env: NodeJS.ProcessEnv, why: Cut): number {
  if (why === 'shutdown') return SHUTDOWN_GRACE_MS;
  return Number(env['MERIDIAN_SAGEMAKER_STOP_GRACE_SECONDS'] ?? STOP_GRACE_SECONDS) * 1000;
}
