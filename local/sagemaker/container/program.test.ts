import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { hostsOf, rendezvousVariables } from './hosts';
import { containerLayout } from './layout';
import { trainingProgram } from './program';
import { scriptMode } from './toolkit';

const request: CreateTrainingJobRequest = {
  TrainingJobName: 'job',
  RoleArn: 'arn:aws:iam::000000000000:role/training',
  OutputDataConfig: { S3OutputPath: 's3://bucket/' },
  HyperParameters: {
    sagemaker_program: '"train.py"',
    sagemaker_torch_distributed_enabled: 'true',
    rate: '0.1',
  },
};
const record = { name: 'job', arn: 'arn', region: 'us-west-2', creationTime: 0, request };
const rendezvous = { address: '127.0.0.1', port: 7777 };

function commandOn(instances: number, i: number): string {
  const layout = containerLayout('/base', request);
  const host = hostsOf({ InstanceCount: instances })[i]!;
  const script = scriptMode(request, layout, host);
  return trainingProgram(record, layout, '/venv', script, {}, rendezvous).command.join(' ');
}

describe('trainingProgram', () => {
  it('is started by torchrun where the toolkit would', () => {
    expect(commandOn(1, 0)).toBe(
      '/venv/bin/python -m torch.distributed.run --nnodes 1 --nproc_per_node 1 train.py --rate 0.1',
    );
    expect(commandOn(2, 1)).toBe(
      '/venv/bin/python -m torch.distributed.run --nnodes 2 --nproc_per_node 1 ' +
        '--master_addr 127.0.0.1 --master_port 7777 --node_rank 1 train.py --rate 0.1',
    );
  });
});

describe('hosts', () => {
  it('are sorted by their text, and told where to meet where there are several', () => {
    const hosts = hostsOf({ InstanceCount: 11 });
    expect(hosts[0]!.all.slice(0, 4)).toEqual(['algo-1', 'algo-10', 'algo-11', 'algo-2']);
    expect(rendezvousVariables(hosts[0]!, rendezvous)).toMatchObject({
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: '7777',
    });
    expect(rendezvousVariables(hostsOf({ InstanceCount: 1 })[0]!, rendezvous)).toEqual({});
  });
});
