import { join } from 'node:path';
import { containerEnvironment, trainingProgram, type Program } from '../container/program';
import { downloadChannel } from '../container/channels';
import { bringCode } from '../container/code';
import type { CheckpointSync } from '../container/checkpoints';
import { findRendezvous, hostsOf, rendezvousVariables, type Host, type Rendezvous } from '../container/hosts';
import { containerLayout, prepareContainer, type ContainerLayout } from '../container/layout';
import { streamFile } from '../container/log';
import { startPrograms, type RunningProgram } from '../container/running';
import { scriptMode } from '../container/toolkit';
import { pullImage } from '../images';
import type { Control } from '../jobs/control';
import { withPatience } from '../patience';
import { takeTicket } from '../faults/tickets';
import { takeUpCheckpoints } from './checkpoints';
import type { Training } from './supervise';

/** One container of a job: there is one a host. */
export interface Container {
  host: Host;
  layout: ContainerLayout;
  program: Program;
  /** File of its log stream. */
  log: string;
  inScriptMode: boolean;
  checkpoints: CheckpointSync | null;
}

export interface Containers {
  all: Container[];
  running: RunningProgram[];
}

/** Brings the data, the checkpoints and the code into empty containers, and starts their programs. */
export async function startContainers(job: Training, control: Control): Promise<Containers> {
  const { record, folder, timeline, home } = job;
  const launched = Date.now();
  const hosts = hostsOf(record.request.ResourceConfig!).map((host) => ({
    host,
    layout: containerLayout(join(folder.containers, host.name), record.request),
    log: streamFile(folder.logs, host.name, launched),
  }));
  for (const { layout, host } of hosts) await prepareContainer(layout, record.request, host);
  await timeline.enter('Downloading');
  const restored: (CheckpointSync | null)[] = [];
  for (const { layout, host } of hosts) {
    await withPatience(() => download(job, layout, host, control.signal), control.signal);
    restored.push(await withPatience(() => takeUpCheckpoints(job, layout.checkpoints), control.signal));
  }
  const venv = await pullTrainingImage(job, control);
  control.signal.throwIfAborted();
  await timeline.enter('Training');
  if (await takeTicket(home, { fault: 'internal-error', jobName: record.name })) control.raise('break');
  control.signal.throwIfAborted();
  const rendezvous = await findRendezvous();
  const all: Container[] = [];
  for (const [i, one] of hosts.entries()) {
    const prepared = await prepareProgram(job, one, venv, rendezvous, control);
    all.push({ ...one, ...prepared, checkpoints: restored[i]! });
  }
  const running = await startPrograms(
    all.map(({ program, layout, log }) => ({ program, base: layout.base, log })),
    folder,
  );
  return { all, running };
}

/** The virtual environment of the job's image. An installation goes on, and serves the next job, where this one is cut. */
async function pullTrainingImage({ record, timeline, env }: Training, { signal }: Control): Promise<string> {
  signal.throwIfAborted();
  const image = record.request.AlgorithmSpecification?.TrainingImage ?? '';
  const tell = (line: string): void => {
    if (!signal.aborted) void timeline.explain(`Downloading the training image: ${line}`);
  };
  const cut = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([pullImage(image, env, tell), cut]);
}

async function download(
  { record, storage }: Training,
  layout: ContainerLayout,
  host: Host,
  signal: AbortSignal,
) {
  for (const channel of record.request.InputDataConfig ?? []) {
    await downloadChannel(channel, layout.data, host, storage, signal);
  }
}

async function prepareProgram(
  { record, storage, env }: Training,
  { layout, host }: { layout: ContainerLayout; host: Host },
  venv: string,
  rendezvous: Rendezvous,
  control: Control,
): Promise<Pick<Container, 'program' | 'inScriptMode'>> {
  const script = scriptMode(record.request, layout, host);
  const isolated = record.request.EnableNetworkIsolation ?? false;
  if (script) {
    const { submitDirectory } = script;
    await withPatience(() => bringCode(submitDirectory, layout, storage, isolated), control.signal);
  }
  const environment = {
    ...containerEnvironment(record, layout.base, venv, env, isolated),
    ...rendezvousVariables(host, rendezvous),
  };
  const program = trainingProgram(record, layout, venv, script, environment, rendezvous);
  return { program, inScriptMode: script !== null };
}
