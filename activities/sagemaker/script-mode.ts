import { basename } from 'node:path';
import type { TrainingSpecification } from '../../contracts/training';
import type { ObjectStore } from '../../platform/s3';

/** SageMaker's level INFO, as Python's `logging` counts. */
const LOG_LEVEL = 20;
const CODE_CHANNEL = 'code';

type Value = string | number | boolean;

export interface ScriptMode {
  /** The program's own, and those by which the training toolkit finds and starts it. */
  hyperparameters: Record<string, Value>;
  /** The code as a channel: a container without a network cannot fetch it, so that SageMaker brings it. */
  codeChannel: Record<string, string>;
}

/** How the training toolkit is told what to run: https://github.com/aws/sagemaker-training-toolkit */
export function scriptMode(
  jobName: string,
  specification: TrainingSpecification,
  region: string,
  store: Pick<ObjectStore, 'uri'>,
  isolated: boolean,
): ScriptMode {
  const { codeKey, program, hyperparameters } = specification;
  return {
    hyperparameters: {
      ...hyperparameters,
      sagemaker_program: program,
      sagemaker_submit_directory: isolated
        ? `/opt/ml/input/data/${CODE_CHANNEL}/${basename(codeKey)}`
        : store.uri(codeKey),
      sagemaker_job_name: jobName,
      sagemaker_region: region,
      sagemaker_container_log_level: LOG_LEVEL,
      ...distributionOf(specification),
    },
    codeChannel: isolated ? { [CODE_CHANNEL]: codeKey } : {},
  };
}

/** As the Python SDK says `distribution={"torch_distributed": …}` and `{"mpi": …}`. */
function distributionOf({ distribution, instanceType }: TrainingSpecification): Record<string, Value> {
  if (!distribution) return {};
  const { launcher, processesPerHost, mpiOptions } = distribution;
  if (launcher === 'torchrun')
    return { sagemaker_torch_distributed_enabled: true, sagemaker_instance_type: instanceType };
  return {
    sagemaker_mpi_enabled: true,
    ...(processesPerHost !== undefined && { sagemaker_mpi_num_of_processes_per_host: processesPerHost }),
    ...(mpiOptions !== undefined && { sagemaker_mpi_custom_mpi_options: mpiOptions }),
  };
}
