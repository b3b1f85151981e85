import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { createRequest, type TrainingJobRequest } from '../../activities/sagemaker/request';
import { trainingJobName } from '../../contracts/job-name';
import type { TrainingSpecification } from '../../contracts/training';
import { models } from '../../models';
import { loadConfig } from '../../platform/config';
import { findTestTools } from '../support/tools';

jest.setTimeout(60_000);

const store = { uri: (key: string) => `s3://meridian-ml-data/${key}` };
const account = loadConfig({
  TEMPORAL_ADDRESS: 'x',
  REDIS_URL: 'x',
  MLFLOW_TRACKING_URI: 'x',
  MERIDIAN_SAGEMAKER_VOLUME_KMS_KEY: 'arn:aws:kms:us-west-2:123456789012:key/1234abcd',
  MERIDIAN_SAGEMAKER_OUTPUT_KMS_KEY: '1234abcd-12ab',
  MERIDIAN_SAGEMAKER_SUBNETS: 'subnet-1,subnet-2',
  MERIDIAN_SAGEMAKER_SECURITY_GROUPS: 'sg-1',
  MERIDIAN_COST_CENTRE: '4711',
}).sagemaker;

/** What botocore's model finds wrong with each request. */
async function judged(requests: object[]): Promise<string[][]> {
  const python = join((await findTestTools()).peers, 'bin', 'python');
  const { stdout, stderr, status } = spawnSync(python, [join(__dirname, 'validate_request.py')], {
    input: JSON.stringify(requests),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as string[][];
}

const bytes = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Whatever a declaration may say. */
const specification: fc.Arbitrary<TrainingSpecification> = fc.record({
  model: fc.constantFrom('churn', 'event-classifier'),
  image: fc.constantFrom('xgboost' as const, 'torch' as const),
  instanceType: fc.constantFrom('ml.m5.xlarge', 'ml.g5.xlarge', 'ml.g4dn.xlarge'),
  instanceCount: fc.integer({ min: 1, max: 4 }),
  volumeGb: fc.integer({ min: 1, max: 200 }),
  maxRuntimeSeconds: fc.integer({ min: 1, max: 3600 }),
  program: fc.constant('models/churn/train.py'),
  codeKey: fc.constant(`code/${'a'.repeat(64)}.tar.gz`),
  codeHash: fc.constant('a'.repeat(64)),
  hyperparameters: fc.dictionary(bytes, fc.oneof(fc.string({ maxLength: 100 }), fc.boolean(), fc.integer())),
  metrics: fc.constant([{ name: 'validation-auc', regex: 'auc=([0-9.]+)' }]),
  channels: fc.constant({ train: 'datasets/a/train/', 'base-model': 's3://models/bert/' }),
  imageUri: maybe(fc.constant('123456789012.dkr.ecr.us-west-2.amazonaws.com/bert:1')),
  roleArn: maybe(fc.constant('arn:aws:iam::123456789012:role/service/training')),
  spot: maybe(fc.record({ maxWaitSeconds: fc.integer({ min: 3600, max: 86_400 }) })),
  checkpoints: maybe(fc.record({ everySeconds: fc.integer({ min: 0, max: 600 }) })),
  encryption: maybe(
    fc.record({ volumeKmsKeyId: maybe(fc.constant('alias/volumes')), betweenInstances: maybe(fc.boolean()) }),
  ),
  network: maybe(
    fc.record({
      isolated: maybe(fc.boolean()),
      vpc: maybe(fc.constant({ subnets: ['subnet-9'], securityGroupIds: ['sg-9', 'sg-8'] })),
    }),
  ),
  costCentre: maybe(bytes),
  tags: maybe(fc.dictionary(bytes, fc.string({ maxLength: 256 }), { maxKeys: 5 })),
  retryAttempts: maybe(fc.integer({ min: 1, max: 30 })),
  keepAliveSeconds: maybe(fc.integer({ min: 1, max: 3600 })),
  distribution: maybe(
    fc.constantFrom({ launcher: 'torchrun' as const }, { launcher: 'mpi' as const, processesPerHost: 2 }),
  ),
});

const jobOf = (spec: TrainingSpecification, label: string): TrainingJobRequest => ({
  jobName: trainingJobName({
    model: spec.model,
    label,
    runKey: 'run',
    step: 'train',
    specification: spec,
    generation: 1,
    attempt: 2,
  }),
  specification: spec,
  checkpointPrefix: 'checkpoints/churn/2026-11-01-abc/g1/',
  tags: { 'meridian:workflow': `retrain/${spec.model}/${label}` },
});

describe('the requests that are sent, by boto’s model of SageMaker', () => {
  it('are valid whatever is declared', async () => {
    const jobs = fc.sample(fc.tuple(specification, fc.string({ maxLength: 60 })), { numRuns: 150, seed: 5 });
    const requests = jobs.map(([spec, label]) => createRequest(jobOf(spec, label), account, store));
    expect((await judged(requests)).flat()).toEqual([]);
  });

  it('are valid for every model of the repository', async () => {
    const requests = models.map(({ name, training }) =>
      createRequest(
        jobOf(
          {
            ...training,
            model: name,
            codeKey: 'code/a.tar.gz',
            codeHash: 'a',
            channels: { train: 'datasets/a/train/', ...training.channels },
          },
          '2026-11-01',
        ),
        account,
        store,
      ),
    );
    expect((await judged(requests)).flat()).toEqual([]);
  });

  it('would be told from such as are not', async () => {
    const [spec] = fc.sample(specification, { numRuns: 1, seed: 5 });
    const good = createRequest(jobOf(spec!, 'x'), account, store);
    const found = await judged([
      { ...good, TrainingJobName: 'no_underscores' },
      { ...good, Colour: 'red' },
      { ...good, RoleArn: undefined },
      { ...good, ResourceConfig: { ...good.ResourceConfig, InstanceType: 'local' } },
    ]);
    expect(found.map((lines) => lines.length > 0)).toEqual([true, true, true, true]);
  });
});
