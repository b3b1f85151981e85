import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { INSTANCE_GROUP, isMaster, networkInterface, type Host } from './hosts';
import { inputDataConfig, resourceConfig, type ContainerLayout } from './layout';
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
  /** Whether torchrun starts the program, as the Python SDK's `distribution={"torch_distributed": …}` asks. */
  torchDistributed: boolean;
  host: string;
  hosts: string[];
}

/** Null where the job is not in script mode: it names no program. */
export function scriptMode(
  request: CreateTrainingJobRequest,
  layout: ContainerLayout,
  host: Host,
): ScriptMode | null {
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
  const framework = Object.fromEntries(
    Object.entries(all).filter(([key]) => key.startsWith('sagemaker_') && !TOOLKITS_OWN.has(key)),
  );
  const torchDistributed = framework['sagemaker_torch_distributed_enabled'] === true;
  const distributed = DISTRIBUTIONS.some((key) => framework[key] === true) ? host.all : [];
  const environment = trainingEnvironment(request, layout, host, {
    ...facts,
    hyperparameters: own,
    framework,
    distributed,
  });
  const variables = asVariables(environment, facts.args);
  return { ...facts, torchDistributed, variables, host: host.name, hosts: host.all };
}

/** Hyperparameters of the toolkit's own; the others that begin with `sagemaker_` are the framework's. */
const TOOLKITS_OWN = new Set([
  'sagemaker_program',
  'sagemaker_submit_directory',
  'sagemaker_container_log_level',
  'sagemaker_job_name',
  'sagemaker_region',
  'sagemaker_enable_cloudwatch_metrics',
  'sagemaker_s3_output',
]);

const DISTRIBUTIONS = ['sagemaker_torch_distributed_enabled', 'sagemaker_pytorch_ddp_enabled'];

function trainingEnvironment(
  request: CreateTrainingJobRequest,
  layout: ContainerLayout,
  host: Host,
  given: {
    program: string;
    submitDirectory: string;
    hyperparameters: Record<string, unknown>;
    framework: Record<string, unknown>;
    distributed: string[];
  },
) {
  const { program, submitDirectory, hyperparameters, framework, distributed } = given;
  const channels = (request.InputDataConfig ?? []).map((channel) => channel.ChannelName!).sort();
  return {
    additional_framework_parameters: framework,
    channel_input_dirs: Object.fromEntries(channels.map((name) => [name, join(layout.data, name)])),
    current_host: host.name,
    current_instance_group: INSTANCE_GROUP,
    current_instance_group_hosts: host.all,
    current_instance_type: host.instanceType,
    distribution_hosts: distributed,
    distribution_instance_groups: distributed.length > 0 ? [INSTANCE_GROUP] : [],
    framework_module: null,
    hosts: host.all,
    hyperparameters,
    input_config_dir: layout.config,
    input_data_config: inputDataConfig(request),
    input_dir: layout.input,
    instance_groups: [INSTANCE_GROUP],
    instance_groups_dict: { [INSTANCE_GROUP]: resourceConfig(host).instance_groups[0] },
    is_hetero: false,
    is_master: isMaster(host),
    is_modelparallel_enabled: null,
    is_smddpmprun_installed: false,
    is_smddprun_installed: false,
    job_name: request.TrainingJobName!,
    log_level: 20,
    master_hostname: host.all[0]!,
    model_dir: layout.model,
    module_dir: submitDirectory,
    module_name: program.replace(/\.py$/, ''),
    network_interface_name: networkInterface(host),
    num_cpus: availableParallelism(),
    num_gpus: 0,
    num_neurons: 0,
    output_data_dir: layout.outputData,
    output_dir: layout.output,
    output_intermediate_dir: join(layout.output, 'intermediate'),
    resource_config: resourceConfig(host),
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
