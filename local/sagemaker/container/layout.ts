import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { INSTANCE_GROUP, networkInterface, type Host } from './hosts';

/** The folders of a training container, as they lie below `/opt/ml`. */
export interface ContainerLayout {
  base: string;
  input: string;
  config: string;
  data: string;
  model: string;
  output: string;
  outputData: string;
  failure: string;
  code: string;
  checkpoints: string;
}

export function containerLayout(base: string, request: CreateTrainingJobRequest): ContainerLayout {
  const at = (path: string) => join(base, path);
  return {
    base,
    input: at('input'),
    config: at('input/config'),
    data: at('input/data'),
    model: at('model'),
    output: at('output'),
    outputData: at('output/data'),
    failure: at('output/failure'),
    code: at('code'),
    checkpoints: mapped(request.CheckpointConfig?.LocalPath ?? '/opt/ml/checkpoints', base),
  };
}

/** A path or an argument of the container as it reads here: `/opt/ml` is the container's own base folder. */
export const mapped = (text: string, base: string): string => text.replaceAll(/\/opt\/ml(?=\/|$)/g, base);

export function resourceConfig(host: Host) {
  const { name, all, instanceType } = host;
  return {
    current_host: name,
    current_instance_type: instanceType,
    current_group_name: INSTANCE_GROUP,
    hosts: all,
    instance_groups: [{ instance_group_name: INSTANCE_GROUP, instance_type: instanceType, hosts: all }],
    network_interface_name: networkInterface(host),
  };
}

export function inputDataConfig(request: CreateTrainingJobRequest) {
  return Object.fromEntries(
    (request.InputDataConfig ?? []).map((channel) => [
      channel.ChannelName!,
      {
        TrainingInputMode: channel.InputMode ?? request.AlgorithmSpecification?.TrainingInputMode,
        S3DistributionType: channel.DataSource?.S3DataSource?.S3DataDistributionType ?? 'FullyReplicated',
        RecordWrapperType: channel.RecordWrapperType ?? 'None',
        ...(channel.ContentType && { ContentType: channel.ContentType }),
      },
    ]),
  );
}

/** Lays out an empty container: nothing of an earlier start remains. */
export async function prepareContainer(
  layout: ContainerLayout,
  request: CreateTrainingJobRequest,
  host: Host,
): Promise<void> {
  await rm(layout.base, { recursive: true, force: true });
  const folders = [
    layout.config,
    layout.data,
    layout.model,
    layout.outputData,
    layout.code,
    layout.checkpoints,
  ];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  await writeConfigs(layout.config, {
    hyperparameters: request.HyperParameters ?? {},
    inputdataconfig: inputDataConfig(request),
    resourceconfig: resourceConfig(host),
    ...(request.CheckpointConfig && { checkpointconfig: { LocalPath: layout.checkpoints } }),
  });
}

/** Writes `<name>.json` for each. */
export async function writeConfigs(folder: string, configs: Record<string, unknown>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(configs)) {
    await writeFile(join(folder, `${name}.json`), JSON.stringify(content));
  }
}
