import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CreateProcessingJobRequest } from '@aws-sdk/client-sagemaker';
import { INTERNAL_ERROR } from '../api/errors';
import { downloadPrefix } from '../container/channels';
import { hostsOf, type Host } from '../container/hosts';
import { mapped, writeConfigs } from '../container/layout';
import { streamFile } from '../container/log';
import { containerEnvironment } from '../container/program';
import { startPrograms } from '../container/running';
import { venvOf } from '../images';
import type { Control } from '../jobs/control';
import { endingUnder, superviseOnce } from '../jobs/supervise-once';
import type { Supervised } from '../jobs/supervised';
import { failed, type Ending } from '../jobs/timeline';
import { watch } from '../jobs/watch';
import { withPatience } from '../patience';
import { keepOutputs, uploadOutputs } from './outputs';

export type Processing = Supervised<CreateProcessingJobRequest>;

export interface ProcessingContainer {
  host: Host;
  /** Its `/opt/ml`. */
  base: string;
}

const DEFAULT_MAX_RUNTIME_SECONDS = 86_400;
const LONGEST_MESSAGE = 1024;

/** Takes a processing job from its creation to its end. */
export const superviseProcessing = (job: Processing): Promise<void> =>
  superviseOnce(job, (control) => run(job, control));

async function run(job: Processing, control: Control): Promise<Ending> {
  const { record, folder, timeline } = job;
  const containers = hostsOf(record.request.ProcessingResources!.ClusterConfig!).map((host) => ({
    host,
    base: join(folder.containers, host.name),
  }));
  try {
    await timeline.enter('Starting');
    for (const container of containers) await prepare(job, container);
    await timeline.enter('Downloading');
    for (const container of containers) {
      await withPatience(() => download(job, container, control.signal), control.signal);
    }
    await control.look();
    control.signal.throwIfAborted();
    return await process(job, containers, control);
  } catch (error) {
    return endingUnder(control, error);
  }
}

async function prepare({ record }: Processing, { base, host }: ProcessingContainer): Promise<void> {
  const { request } = record;
  await rm(base, { recursive: true, force: true });
  await mkdir(join(base, 'output'), { recursive: true });
  for (const { S3Output } of request.ProcessingOutputConfig?.Outputs ?? []) {
    await mkdir(mapped(S3Output!.LocalPath!, base), { recursive: true });
  }
  const { Tags: _tags, ...config } = request;
  await writeConfigs(join(base, 'config'), {
    processingjobconfig: { ProcessingJobArn: record.arn, ...config },
    resourceconfig: { current_host: host.name, hosts: host.all },
  });
}

async function download(
  { record, storage }: Processing,
  { base, host }: ProcessingContainer,
  signal: AbortSignal,
): Promise<void> {
  for (const { S3Input } of record.request.ProcessingInputs ?? []) {
    const { S3Uri, LocalPath, S3DataDistributionType } = S3Input!;
    const shardFor = S3DataDistributionType === 'ShardedByS3Key' ? host : null;
    await downloadPrefix(S3Uri!, mapped(LocalPath!, base), shardFor, storage, signal);
  }
}

async function process(
  job: Processing,
  containers: ProcessingContainer[],
  control: Control,
): Promise<Ending> {
  const { record, folder, timeline, env } = job;
  const { AppSpecification: app, Environment, StoppingCondition } = record.request;
  const venv = venvOf(app!.ImageUri!, env);
  const launched = Date.now();
  await timeline.enter('Processing');
  const started = containers.map(({ base, host }) => {
    const command = [...app!.ContainerEntrypoint!, ...(app!.ContainerArguments ?? [])];
    return {
      program: {
        command: command.map((part) => mapped(part, base)),
        cwd: base,
        env: { ...containerEnvironment(record, base, venv, env), ...Environment },
      },
      base,
      log: streamFile(folder.logs, host.name, launched),
    };
  });
  const running = await startPrograms(started, folder);
  const limitMs = (StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_MAX_RUNTIME_SECONDS) * 1000;
  const stopKeeping = keepOutputs(job, containers);
  const { cut, exitCodes } = await watch({ running, control, timeline, limitMs, env });
  await stopKeeping();
  const exitCode = exitCodes.find((code) => code !== 0) ?? 0;
  const exitMessage = await messageOf(containers);
  if (cut === 'stop' || cut === 'max-runtime') {
    return { outcome: 'Stopped', status: 'Stopped', exitCode, exitMessage };
  }
  if (cut && cut !== 'host-failed') return failed(INTERNAL_ERROR, exitCode);
  if (exitCode !== 0) return { ...failed(`AlgorithmError: , exit code: ${exitCode}`, exitCode), exitMessage };
  await timeline.enter('Uploading');
  await uploadOutputs(job, containers, 'EndOfJob');
  return { outcome: 'Completed', status: 'Completed', exitCode, exitMessage };
}

/** The beginning of what the first container to say something left to say. */
async function messageOf(containers: ProcessingContainer[]): Promise<string | undefined> {
  for (const { base } of containers) {
    const message = await readFile(join(base, 'output', 'message')).catch(() => null);
    if (message) return message.subarray(0, LONGEST_MESSAGE).toString('utf8');
  }
  return undefined;
}
