import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import model from '../../local/sagemaker/api/model.json';
import { findTestTools } from '../support/tools';
import { TestSagemaker } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

/** Stopping is asked of jobs that have ended, so that it has no answer; the other kinds' tests cover it. */
const NOT_ANSWERED = [
  'StopTrainingJob',
  'StopHyperParameterTuningJob',
  'StopTransformJob',
  'DeleteTrainingJob',
];

function requests() {
  const training = sagemaker.request('answers');
  const { RoleArn } = training;
  const { TrainingJobName: _, Environment: _waits, HyperParameters, ...definition } = training;
  const S3Uri = sagemaker.store.uri('data/train/');
  return {
    training: {
      ...training,
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60 },
      CheckpointConfig: { S3Uri: sagemaker.store.uri('checkpoints/answers/') },
      RetryStrategy: { MaximumRetryAttempts: 1 },
      Tags: [{ Key: 'a', Value: 'b' }],
    },
    failing: sagemaker.request('answers-failing', { mode: 'raise' }),
    tuning: {
      HyperParameterTuningJobName: 'answers',
      HyperParameterTuningJobConfig: {
        Strategy: 'Bayesian',
        ResourceLimits: { MaxNumberOfTrainingJobs: 2, MaxParallelTrainingJobs: 2 },
        HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'auc' },
        ParameterRanges: { ContinuousParameterRanges: [{ Name: 'rate', MinValue: '0.1', MaxValue: '1' }] },
      },
      TrainingJobDefinition: { ...definition, StaticHyperParameters: HyperParameters },
    },
    processing: {
      ProcessingJobName: 'answers',
      RoleArn,
      AppSpecification: {
        ImageUri: 'meridian/meridian-processing-xgboost:latest',
        ContainerEntrypoint: ['/bin/sh', '-c', 'sleep 60'],
      },
      ProcessingInputs: [
        { InputName: 'in', S3Input: { S3Uri, LocalPath: '/opt/ml/processing/in', S3DataType: 'S3Prefix' } },
      ],
      ProcessingResources: {
        ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 1 },
      },
    },
    model: {
      ModelName: 'answers',
      ExecutionRoleArn: RoleArn,
      PrimaryContainer: { Image: 'meridian/meridian-serving-xgboost:latest' },
    },
    transform: {
      TransformJobName: 'answers',
      ModelName: 'answers',
      TransformInput: { DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri } } },
      TransformOutput: { S3OutputPath: sagemaker.store.uri('transformed/') },
      TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
    },
  };
}

describe('the answers', () => {
  it('are those of botocore’s service models, to the letter', async () => {
    const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
    const program = join(__dirname, 'answers.py');
    const { stdout } = await promisify(execFile)(
      join(peers, 'bin', 'python'),
      [program, JSON.stringify(requests())],
      { env: { ...process.env, ...sagemaker.s3.env, AWS_ENDPOINT_URL_SAGEMAKER: sagemaker.endpoint } },
    );
    const { problems, seen } = JSON.parse(stdout) as { problems: string[]; seen: string[] };
    expect(problems).toEqual([]);
    const operations = Object.keys(model.operations).filter((name) => !NOT_ANSWERED.includes(name));
    expect(seen).toEqual(operations.toSorted());
  });
});
