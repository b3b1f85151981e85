import { delimiter, join } from 'node:path';
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import type { JobRecord } from '../jobs/job';
import { mapped, type ContainerLayout } from './layout';
import type { Rendezvous } from './hosts';
import type { ScriptMode } from './toolkit';

export interface Program {
  command: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Of the service's own environment, what a job needs to run, and to reach S3; the rest is none of its business. */
const INHERITED = ['HOME', 'LANG', 'LC_ALL', 'PATH', 'TMPDIR'];
const FOR_S3 = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL_S3'];

/**
 * What every container has: the image's programs on its PATH, the region, and where its `/opt/ml` is. One that is isolated
 * from the network has no credentials; the network itself cannot be taken from a mere process.
 */
export function containerEnvironment(
  { region }: Pick<JobRecord, 'region'>,
  base: string,
  venv: string,
  service: NodeJS.ProcessEnv,
  isolated = false,
): Record<string, string> {
  const names = isolated ? INHERITED : [...INHERITED, ...FOR_S3];
  const inherited = names.filter((name) => service[name] !== undefined).map((name) => [name, service[name]!]);
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    PATH: [join(venv, 'bin'), service['PATH'] ?? ''].join(delimiter),
    VIRTUAL_ENV: venv,
    PYTHONUNBUFFERED: '1',
    // Jobs share the machine's processors: a thread that waits for others sleeps instead of keeping them from running.
    OMP_WAIT_POLICY: 'PASSIVE',
    AWS_REGION: region,
    SAGEMAKER_BASE_DIR: base,
  };
}

/** What a training container runs: its entry point, else the script-mode program, else the image's own `train`. */
export function trainingProgram(
  record: JobRecord<CreateTrainingJobRequest>,
  layout: ContainerLayout,
  venv: string,
  script: ScriptMode | null,
  inherited: Record<string, string>,
  rendezvous: Rendezvous,
): Program {
  const { AlgorithmSpecification: algorithm, Environment } = record.request;
  const env: Record<string, string> = {
    ...inherited,
    TRAINING_JOB_NAME: record.name,
    TRAINING_JOB_ARN: record.arn,
    ...Environment,
  };
  const { ContainerEntrypoint: entryPoint, ContainerArguments: args } = algorithm ?? {};
  if (entryPoint || args || !script) {
    const parts = [...(entryPoint ?? []), ...(args ?? ['train'])];
    return { command: parts.map((part) => mapped(part, layout.base)), cwd: layout.base, env };
  }
  return {
    command: scriptCommand(script, venv, rendezvous),
    cwd: layout.code,
    env: { ...env, ...script.variables, PYTHONPATH: layout.code },
  };
}

function scriptCommand(script: ScriptMode, venv: string, { address, port }: Rendezvous): string[] {
  const { program, args, torchDistributed, hosts, host } = script;
  if (!program.endsWith('.py')) return ['/bin/sh', program, ...args];
  const python = join(venv, 'bin', 'python');
  if (!torchDistributed) return [python, program, ...args];
  const nodes = ['--nnodes', String(hosts.length), '--nproc_per_node', '1'];
  const meeting = ['--master_addr', address, '--master_port', String(port)];
  const rank = ['--node_rank', String(hosts.indexOf(host))];
  const several = hosts.length > 1 ? [...meeting, ...rank] : [];
  // `torchrun` by its module: a script of that name need not be there, nor be bound to this venv.
  return [python, '-m', 'torch.distributed.run', ...nodes, ...several, program, ...args];
}
