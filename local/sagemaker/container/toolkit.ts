import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import {
  HOST,
  INSTANCE_GROUP,
  NETWORK_INTERFACE,
  inputDataConfig,
  resourceConfig,
  type ContainerLayout,
} from './layout';
import { argument, decode, json } from './python-text';

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
  const given = Object.entries(request.HyperParameters ?? {});
  const all = Object.fromEntries(given.map(([key, value]) => [key, decode(value)]));
  const program = all['sagemaker_program'];
  if (program === undefined) return null;
  const own = Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => !key.startsWith('sagemaker_') && key !== '_tuning_objective_metric')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const submitDirectory = all['sagemaker_submit_directory'];
  const facts = {
    program: argument(program),
    submitDirectory: submitDirectory === undefined ? layout.code : argument(submitDirectory),
    args: Object.entries(own).flatMap(([key, value]) => [
      `${key.length > 1 ? '--' : '-'}${key}`,
      argument(value),
    ]),
  };
  const environment = trainingEnvironment(request, layout, own, facts);
  return { ...facts, variables: asVariables(environment, facts.args) };
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
    distribution_hosts: [],
    distribution_instance_groups: [],
    framework_module: null,
    hosts: [HOST],
    hyperparameters,
    input_config_dir: layout.config,
    input_data_config: inputDataConfig(request),
    input_dir: layout.input,
    instance_groups: [INSTANCE_GROUP],
    instance_groups_dict: { [INSTANCE_GROUP]: resourceConfig(request).instance_groups[0] },
    is_hetero: false,
    is_master: true,
    is_modelparallel_enabled: null,
    is_smddpmprun_installed: false,
    is_smddprun_installed: false,
    job_name: request.TrainingJobName!,
    log_level: 20,
    master_hostname: HOST,
    model_dir: layout.model,
    module_dir: submitDirectory,
    module_name: program.replace(/\.py$/, ''),
    network_interface_name: NETWORK_INTERFACE,
    num_cpus: availableParallelism(),
    num_gpus: 0,
    num_neurons: 0,
    output_data_dir: layout.outputData,
    output_dir: layout.output,
    output_intermediate_dir: join(layout.output, 'intermediate'),
    resource_config: resourceConfig(request),
    topology: [],
    user_entry_point: program,
  };
}

/** What of the training environment becomes a variable under its own name. */
const TOLD = [
  'current_host',
  'current_instance_group',
  'current_instance_group_hosts',
  'current_instance_type',
  'distribution_instance_groups',
  'framework_module',
  'hosts',
  'input_config_dir',
  'input_data_config',
  'input_dir',
  'instance_groups',
  'instance_groups_dict',
  'is_hetero',
  'log_level',
  'model_dir',
  'module_dir',
  'module_name',
  'network_interface_name',
  'num_cpus',
  'num_gpus',
  'num_neurons',
  'output_data_dir',
  'output_dir',
  'output_intermediate_dir',
  'resource_config',
  'user_entry_point',
] as const;

function asVariables(
  environment: ReturnType<typeof trainingEnvironment>,
  args: string[],
): Record<string, string> {
  const { channel_input_dirs, hyperparameters } = environment;
  const prefixed = (prefix: string, values: Record<string, unknown>) =>
    Object.entries(values).map(([key, value]): [string, unknown] => [`${prefix}_${key}`, value]);
  const values: [string, unknown][] = [
    ...TOLD.map((name): [string, unknown] => [name, environment[name]]),
    ['channels', Object.keys(channel_input_dirs)],
    ['framework_params', environment.additional_framework_parameters],
    ['hps', hyperparameters],
    ['training_env', environment],
    ['user_args', args],
    ...prefixed('channel', channel_input_dirs),
    ...prefixed('hp', hyperparameters),
  ];
  return Object.fromEntries(values.map(([name, value]) => [`SM_${name.toUpperCase()}`, variable(value)]));
}

const variable = (value: unknown): string => {
  if (value === null) return '';
  return typeof value === 'string' ? value : json(value);
};
