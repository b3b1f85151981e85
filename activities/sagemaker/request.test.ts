import type { TrainingSpecification } from '../../contracts/training';
import { loadConfig } from '../../platform/config';
import { createRequest } from './request';

const config = (env: Record<string, string> = {}) =>
  loadConfig({ TEMPORAL_ADDRESS: 'x', REDIS_URL: 'x', MLFLOW_TRACKING_URI: 'x', ...env }).sagemaker;
const store = { uri: (key: string) => `s3://bucket/${key}` };

const plain: TrainingSpecification = {
  model: 'event-classifier',
  image: 'torch',
  instanceType: 'ml.m5.xlarge',
  instanceCount: 1,
  volumeGb: 30,
  maxRuntimeSeconds: 7200,
  program: 'models/event-classifier/train.py',
  codeKey: 'code/abc.tar.gz',
  codeHash: 'abc',
  hyperparameters: { epochs: 3, note: 'a "b"' },
  metrics: [{ name: 'loss', regex: 'loss=([0-9.]+)' }],
  channels: { train: 'datasets/x/train/' },
};

const request = (
  change: Partial<TrainingSpecification> = {},
  rest: Partial<Parameters<typeof createRequest>[0]> = {},
  env: Record<string, string> = {},
) =>
  createRequest({ jobName: 'j-g1a1', specification: { ...plain, ...change }, ...rest }, config(env), store);

const ACCOUNT = {
  MERIDIAN_SAGEMAKER_VOLUME_KMS_KEY: 'alias/volumes',
  MERIDIAN_SAGEMAKER_OUTPUT_KMS_KEY: 'alias/outputs',
  MERIDIAN_SAGEMAKER_SUBNETS: 'subnet-1,subnet-2',
  MERIDIAN_SAGEMAKER_SECURITY_GROUPS: 'sg-1',
  MERIDIAN_SAGEMAKER_NETWORK_ISOLATION: 'true',
  MERIDIAN_SAGEMAKER_ENCRYPT_TRAFFIC: 'true',
  MERIDIAN_COST_CENTRE: '4711',
};

describe('createRequest', () => {
  it('asks for nothing that was not declared', () => {
    const asked = request();
    expect(asked.EnableManagedSpotTraining).toBe(false);
    expect(asked.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 7200 });
    for (const member of ['CheckpointConfig', 'VpcConfig', 'RetryStrategy'] as const)
      expect(asked).not.toHaveProperty(member);
    expect(asked.HyperParameters).toMatchObject({ epochs: '3', note: '"a \\"b\\""' });
  });

  it('asks for spot with its wait, and for checkpoints under the given prefix, and on-demand for the same', () => {
    const change = {
      spot: { maxWaitSeconds: 9000 },
      checkpoints: { everySeconds: 30 },
    };
    const checkpointPrefix = 'checkpoints/event-classifier/x/g1/';
    const spot = request(change, { checkpointPrefix });
    const onDemand = request(change, { checkpointPrefix, market: 'on-demand' });
    expect(spot.EnableManagedSpotTraining).toBe(true);
    expect(spot.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 7200, MaxWaitTimeInSeconds: 9000 });
    expect(spot.CheckpointConfig).toEqual({ S3Uri: `s3://bucket/${checkpointPrefix}` });
    expect(spot.Environment).toMatchObject({ MERIDIAN_CHECKPOINT_SECONDS: '30' });
    expect(onDemand).toEqual({
      ...spot,
      EnableManagedSpotTraining: false,
      StoppingCondition: { MaxRuntimeInSeconds: 7200 },
    });
  });

  it('is never spot where that was not declared', () => {
    expect(request({}, { market: 'spot' }).EnableManagedSpotTraining).toBe(false);
  });

  it('takes what the account decides, and lets a declaration decide otherwise', () => {
    const byAccount = request({}, {}, ACCOUNT);
    expect(byAccount).toMatchObject({
      VpcConfig: { Subnets: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] },
      EnableNetworkIsolation: true,
      EnableInterContainerTrafficEncryption: true,
      OutputDataConfig: { KmsKeyId: 'alias/outputs' },
      ResourceConfig: { VolumeKmsKeyId: 'alias/volumes' },
    });
    expect(byAccount.Tags).toContainEqual({ Key: 'meridian:cost-centre', Value: '4711' });
    const declared = request(
      {
        imageUri: 'account.dkr.ecr/bert:1',
        roleArn: 'arn:aws:iam::123456789012:role/other',
        encryption: { volumeKmsKeyId: 'alias/v', outputKmsKeyId: 'alias/o', betweenInstances: false },
        network: { isolated: false, vpc: { subnets: ['subnet-9'], securityGroupIds: ['sg-9'] } },
        costCentre: '42',
        tags: { team: 'growth' },
        retryAttempts: 2,
        keepAliveSeconds: 600,
      },
      { tags: { 'meridian:workflow': 'retrain/event-classifier/ü (1)' } },
      ACCOUNT,
    );
    expect(declared).toMatchObject({
      RoleArn: 'arn:aws:iam::123456789012:role/other',
      AlgorithmSpecification: { TrainingImage: 'account.dkr.ecr/bert:1' },
      VpcConfig: { Subnets: ['subnet-9'], SecurityGroupIds: ['sg-9'] },
      EnableNetworkIsolation: false,
      EnableInterContainerTrafficEncryption: false,
      OutputDataConfig: { KmsKeyId: 'alias/o' },
      ResourceConfig: { VolumeKmsKeyId: 'alias/v', KeepAlivePeriodInSeconds: 600 },
      RetryStrategy: { MaximumRetryAttempts: 2 },
      Tags: [
        { Key: 'team', Value: 'growth' },
        { Key: 'meridian:model', Value: 'event-classifier' },
        { Key: 'meridian:cost-centre', Value: '42' },
        { Key: 'meridian:workflow', Value: 'retrain/event-classifier/ü _1_' },
      ],
    });
  });

  it.each([
    ['ml.g5.xlarge', false],
    ['ml.p4d.24xlarge', false],
    ['ml.m5d.large', false],
    ['ml.c6gd.xlarge', false],
    ['ml.m5.xlarge', true],
    ['ml.p3.2xlarge', true],
  ])('gives the account’s key to the volume of %s: %s', (instanceType, given) => {
    const { ResourceConfig } = request({ instanceType }, {}, ACCOUNT);
    expect('VolumeKmsKeyId' in ResourceConfig!).toBe(given);
  });

  it('brings the code by a channel to a container without a network', () => {
    const isolated = request({ network: { isolated: true } });
    expect(isolated.HyperParameters!['sagemaker_submit_directory']).toBe(
      '"/opt/ml/input/data/code/abc.tar.gz"',
    );
    expect(isolated.InputDataConfig).toContainEqual(
      expect.objectContaining({
        ChannelName: 'code',
        DataSource: {
          S3DataSource: expect.objectContaining({ S3Uri: 's3://bucket/code/abc.tar.gz' }) as unknown,
        },
      }),
    );
  });

  it('takes channels out of the bucket and out of others', () => {
    const { InputDataConfig } = request({ channels: { base: 's3://models/bert/', more: 'base/' } });
    expect(InputDataConfig!.map((one) => one.DataSource!.S3DataSource!.S3Uri)).toEqual([
      's3://models/bert/',
      's3://bucket/base/',
    ]);
  });

  it.each([
    [
      { launcher: 'torchrun' as const },
      { sagemaker_torch_distributed_enabled: 'true', sagemaker_instance_type: '"ml.m5.xlarge"' },
    ],
    [
      { launcher: 'mpi' as const, processesPerHost: 2, mpiOptions: '-x A' },
      {
        sagemaker_mpi_enabled: 'true',
        sagemaker_mpi_num_of_processes_per_host: '2',
        sagemaker_mpi_custom_mpi_options: '"-x A"',
      },
    ],
  ])('says how %j is started', (distribution, expected) => {
    expect(request({ distribution, instanceCount: 2 }).HyperParameters).toMatchObject(expected);
  });
});
