import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { uploadArchive } from './container/artifacts';
import { ClientError, downloadChannel, unpackCode } from './container/channels';
import { CheckpointSync, restoreCheckpoints } from './container/checkpoints';
import { algorithmError, toolkitFailure } from './container/failure';
import { containerLayout, prepareContainer, type ContainerLayout } from './container/layout';
import { finalMetrics } from './container/metrics';
import { startProgram, trainingProgram, type Program, type RunningProgram } from './container/program';
import { scriptMode } from './container/toolkit';
import { Control, type Demand } from './control';
import { outputPrefix } from './describe';
import { venvOf } from './images';
import type { JobFolder, JobRecord } from './job';
import { withPatience } from './patience';
import type { Storage } from './storage';
import type { Ending, Timeline } from './timeline';

export const INTERNAL_ERROR = 'InternalServerError: We encountered an internal error. Please try again.';
const DEFAULT_MAX_RUNTIME_SECONDS = 86_400;
const CHECKPOINT_SYNC_MS = 1000;

export interface Supervised {
  record: JobRecord;
  folder: JobFolder;
  timeline: Timeline;
  storage: Storage;
  env: NodeJS.ProcessEnv;
}

type ProgramEnd = { exitCode: number; cut: Demand | 'timeout' | null };

/** Takes a job from its creation to its end, over as many spot interruptions as there are. */
export async function supervise(job: Supervised): Promise<void> {
  for (let interruptions = 0; ; interruptions++) {
    const control = new Control(job.folder, interruptions);
    try {
      const ending = await runOnInstance(job, control);
      if (ending !== 'interrupted') return await job.timeline.end(ending);
      await job.timeline.enter('Interrupted');
    } finally {
      control.close();
    }
  }
}

async function runOnInstance(job: Supervised, control: Control): Promise<Ending | 'interrupted'> {
  const layout = containerLayout(job.folder.base, job.record.request);
  try {
    await job.timeline.enter('Starting');
    await prepareContainer(layout, job.record.request);
    await control.look();
    control.signal.throwIfAborted();
    await job.timeline.enter('Downloading');
    await withPatience(() => download(job, layout, control.signal), control.signal);
    control.signal.throwIfAborted();
    await job.timeline.enter('Training');
    return await train(job, layout, control);
  } catch (error) {
    if (control.demand === 'interrupt') return 'interrupted';
    if (control.demand === 'stop') return { outcome: 'Stopped', status: 'Stopped' };
    if (control.demand === 'shutdown') return failed(INTERNAL_ERROR);
    const clientError = asClientError(error);
    if (clientError) return failed(`ClientError: ${clientError}`);
    throw error;
  }
}

async function download({ record, storage }: Supervised, layout: ContainerLayout, signal: AbortSignal) {
  for (const channel of record.request.InputDataConfig ?? []) {
    await downloadChannel(channel, layout.data, storage, signal);
  }
  const checkpoints = record.request.CheckpointConfig;
  if (checkpoints) await restoreCheckpoints(checkpoints.S3Uri!, layout.checkpoints, storage);
}

async function train(
  job: Supervised,
  layout: ContainerLayout,
  control: Control,
): Promise<Ending | 'interrupted'> {
  const { record, folder, storage, env } = job;
  const script = scriptMode(record.request, layout);
  if (script?.submitDirectory.startsWith('s3://')) {
    await withPatience(() => unpackCode(script.submitDirectory, layout.code, storage), control.signal);
  }
  const program = trainingProgram(record, layout, venvOf(record.request, env), script, env);
  const running = await startProgram(program, folder);
  const end = await watch(job, layout, running, control);
  if (end.cut === 'interrupt') return 'interrupted';
  if (end.cut === 'shutdown') return failed(INTERNAL_ERROR, end.exitCode);
  return await finish(job, layout, program, end, script !== null);
}

/** Waits for the program; cuts it short where that is demanded or where its time is up. */
async function watch(
  { record, timeline, env, storage }: Supervised,
  layout: ContainerLayout,
  running: RunningProgram,
  control: Control,
): Promise<ProgramEnd> {
  let cut: ProgramEnd['cut'] = null;
  let told: Promise<void> | undefined;
  const timers: NodeJS.Timeout[] = [];
  const end = (why: NonNullable<ProgramEnd['cut']>) => {
    if (cut) return;
    cut = why;
    if (why === 'interrupt') return running.signal('SIGKILL');
    running.signal('SIGTERM');
    told = timeline.enter('Stopping');
    const grace = why === 'shutdown' ? 1 : Number(env['MERIDIAN_SAGEMAKER_STOP_GRACE_SECONDS'] ?? 120);
    timers.push(setTimeout(() => running.signal('SIGKILL'), grace * 1000));
  };
  const demanded = () => end(control.demand!);
  if (control.demand) demanded();
  control.signal.addEventListener('abort', demanded);
  const limit = record.request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_MAX_RUNTIME_SECONDS;
  timers.push(setTimer(() => end('timeout'), limit * 1000 - trainedBefore(timeline)));
  const uri = record.request.CheckpointConfig?.S3Uri;
  const stopSync = uri ? await keepCheckpoints(new CheckpointSync(uri, layout.checkpoints, storage)) : null;
  const exitCode = await running.ended;
  timers.forEach(clearTimeout);
  control.signal.removeEventListener('abort', demanded);
  await told;
  await stopSync?.(cut !== 'interrupt');
  return { exitCode, cut };
}

/** Milliseconds that earlier starts of the job have trained: the limit is on all of them together. */
const trainedBefore = ({ progress }: Timeline): number =>
  progress.transitions
    .filter(({ status, end }) => status === 'Training' && end !== undefined)
    .reduce((sum, { start, end }) => sum + end! - start, 0);

/** Node's timers hold 24.8 days; SageMaker's limit is 28. */
const setTimer = (action: () => void, milliseconds: number): NodeJS.Timeout =>
  milliseconds < 2 ** 31
    ? setTimeout(action, milliseconds)
    : setTimeout(() => setTimer(action, milliseconds - 2 ** 30), 2 ** 30);

/** Uploads checkpoints while the program runs; the returned function ends that, with a last upload if asked. */
async function keepCheckpoints(sync: CheckpointSync): Promise<(last: boolean) => Promise<void>> {
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

async function finish(
  { record, folder, timeline, storage }: Supervised,
  layout: ContainerLayout,
  program: Program,
  { exitCode, cut }: ProgramEnd,
  inScriptMode: boolean,
): Promise<Ending> {
  const succeeded = exitCode === 0 || cut !== null;
  const metrics = await finalMetrics(
    folder.log,
    record.request.AlgorithmSpecification?.MetricDefinitions ?? [],
  );
  await timeline.enter('Uploading');
  const prefix = outputPrefix({ record });
  const upload = (from: string, name: string) =>
    withPatience(() => uploadArchive(from, join(folder.path, name), `${prefix}/${name}`, storage));
  if (succeeded) await upload(layout.model, 'model.tar.gz');
  await upload(layout.outputData, 'output.tar.gz');
  if (cut === 'stop') return { outcome: 'Stopped', status: 'Stopped', exitCode, metrics };
  if (cut === 'timeout') return { outcome: 'Stopped', status: 'MaxRuntimeExceeded', exitCode, metrics };
  if (succeeded) return { outcome: 'Completed', status: 'Completed', exitCode, metrics };
  const fallback = inScriptMode ? await toolkitFailure(folder.log, program.command, exitCode) : '';
  return { ...failed(await algorithmError(layout.failure, exitCode, fallback), exitCode), metrics };
}

const failed = (failureReason: string, exitCode?: number): Ending => ({
  outcome: 'Failed',
  status: 'Failed',
  failureReason: failureReason.slice(0, 1024),
  exitCode,
});

/** The text of an error that lies in the job's data, image or role; null for every other. */
function asClientError(error: unknown): string | null {
  if (error instanceof ClientError) return error.message;
  const codes: string[] = [ErrorCode.MissingObject, ErrorCode.AccessDenied];
  return error instanceof MeridianError && codes.includes(error.code) ? error.message : null;
}
