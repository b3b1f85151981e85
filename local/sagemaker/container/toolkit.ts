import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import {
  HOST,
  INSTANCE_GROUP,
  NETWORK_INTERFACE,
  inputDataConfig,
  resourceConfig,
  type ContainerLayout,
} from './layout';

/**
 * Script mode, as AWS's framework images do it with their training toolkit (aws/sagemaker-training-toolkit: `environment.py`,
 * `mapping.py`): hyperparameters are decoded from JSON, become `--key value` arguments, and all of the job is told in SM_* variables.
 */
export interface ScriptMode {
  /** Path of the program inside the code archive. */
  program: string;
  /** S3 URI of the archive. */
  submitDirectory: string;
  args: string[];
  variables: Record<string, string>;
}

/** Null where the job is not in script mode: it names no program. */
export function scriptMode(request: CreateTrainingJobRequest, layout: ContainerLayout): ScriptMode | null {
  const all = decode(request.HyperParameters ?? {});
  const program = all['sagemaker_program'];
  if (program === undefined) return null;
  const own = Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => !key.startsWith('sagemaker_') && key !== '_tuning_objective_metric')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const submitDirectory = all['sagemaker_submit_directory'];
  const facts = {
    program: text(program),
    submitDirectory: submitDirectory === undefined ? layout.code : text(submitDirectory),
    args: Object.entries(own).flatMap(([key, value]) => [
      `${key.length > 1 ? '--' : '-'}${key}`,
      text(value),
    ]),
  };
  const environment = trainingEnvironment(request, layout, own, facts);
  return { ...facts, variables: asVariables(environment, own) };
}

function trainingEnvironment(
  request: CreateTrainingJobRequest,
  layout: ContainerLayout,
  hyperparameters: Record<string, unknown>,
  { program, submitDirectory }: { program: string; submitDirectory: string },
) {
  const channels = (request.InputDataConfig ?? []).map((channel) => channel.ChannelName!).sort();
  const instanceType = request.ResourceConfig?.InstanceType ?? '';
  return {
    additional_framework_parameters: {},
    channel_input_dirs: Object.fromEntries(channels.map((name) => [name, join(layout.data, name)])),
    current_host: HOST,
    current_instance_group: INSTANCE_GROUP,
    current_instance_group_hosts: [HOST],
    current_instance_type: instanceType,
    framework_module: null,
    hosts: [HOST],
    hyperparameters,
    input_config_dir: layout.config,
    input_data_config: inputDataConfig(request),
    input_dir: layout.input,
    instance_groups: [INSTANCE_GROUP],
    is_master: true,
    job_name: request.TrainingJobName!,
    log_level: 20,
    master_hostname: HOST,
    model_dir: layout.model,
    module_dir: submitDirectory,
    module_name: basename(program).replace(/\.py$/, ''),
    network_interface_name: NETWORK_INTERFACE,
    num_cpus: availableParallelism(),
    num_gpus: 0,
    num_neurons: 0,
    output_data_dir: layout.outputData,
    output_dir: layout.output,
    output_intermediate_dir: join(layout.output, 'intermediate'),
    resource_config: resourceConfig(request),
    user_entry_point: program,
  };
}

function asVariables(
  {
    additional_framework_parameters,
    channel_input_dirs,
    hyperparameters,
    ...rest
  }: ReturnType<typeof trainingEnvironment>,
  own: Record<string, unknown>,
): Record<string, string> {
  const { is_master: _master, job_name: _name, master_hostname: _host, ...told } = rest;
  const prefixed = (prefix: string, values: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}_${key}`, value]));
  const values: Record<string, unknown> = {
    ...told,
    channels: Object.keys(channel_input_dirs),
    framework_params: additional_framework_parameters,
    hps: hyperparameters,
    training_env: { ...rest, additional_framework_parameters, channel_input_dirs, hyperparameters },
    user_args: Object.entries(own).flatMap(([key, value]) => [
      `${key.length > 1 ? '--' : '-'}${key}`,
      text(value),
    ]),
    ...prefixed('channel', channel_input_dirs),
    ...prefixed('hp', own),
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`SM_${key.toUpperCase()}`, variable(value)]),
  );
}

/** Values are JSON; what does not parse is meant as it stands. */
function decode(hyperparameters: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(hyperparameters).map(([key, value]) => {
      try {
        return [key, JSON.parse(value) as unknown];
      } catch {
        return [key, value];
      }
    }),
  );
}

/** An argument, as Python's `str` writes the value. */
function text(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object') {
    return Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}=${text(item)}`)
      .join(',');
  }
  return String(value);
}

const repr = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : text(value ?? 'None');

function variable(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, sorted);
}

const sorted = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
