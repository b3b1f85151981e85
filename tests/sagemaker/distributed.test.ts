import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { TestSagemaker } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

function pair(name: string, hyperparameters = {}): CreateTrainingJobRequest {
  const request = sagemaker.request(name, hyperparameters);
  const channel = request.InputDataConfig![0]!;
  return {
    ...request,
    HyperParameters: { ...request.HyperParameters, sagemaker_program: '"pair.py"' },
    AlgorithmSpecification: {
      ...request.AlgorithmSpecification!,
      MetricDefinitions: [{ Name: 'loss', Regex: 'loss=([0-9.]+)' }],
    },
    ResourceConfig: { ...request.ResourceConfig!, InstanceCount: 2 },
    InputDataConfig: [
      {
        ...channel,
        DataSource: {
          S3DataSource: { ...channel.DataSource!.S3DataSource!, S3DataDistributionType: 'ShardedByS3Key' },
        },
      },
    ],
    CheckpointConfig: { S3Uri: sagemaker.store.uri(`checkpoints/${name}/`) },
  };
}

const log = async (name: string, query = '') =>
  (await fetch(`${sagemaker.endpoint}/_local/training-jobs/${name}/log${query}`)).text();

describe('a job of two instances', () => {
  it('is two programs that find each other, and leaves one archive', async () => {
    await sagemaker.create(pair('pair'));
    const job = await sagemaker.ended('pair');
    expect(job).toMatchObject({ TrainingJobStatus: 'Completed', ResourceConfig: { InstanceCount: 2 } });
    const file = await sagemaker.unpack('training/pair/output/model.tar.gz');
    const [first, second] = ['algo-1', 'algo-2'].map((host) => JSON.parse(file(`${host}.json`)));
    expect(first).toMatchObject({ heard: 'algo-2', files: ['a.csv'] });
    expect(second).toMatchObject({ files: ['b.csv'], interface: first.interface });
    expect(file('shared.txt')).toBe('algo-1');
    const checkpoints = await sagemaker.store.list('checkpoints/pair/');
    expect(checkpoints.map(({ key }) => key.split('/').at(-1))).toEqual(['algo-1.txt', 'algo-2.txt']);
    // The last host to report counts.
    expect(job.FinalMetricDataList).toMatchObject([{ MetricName: 'loss', Value: 1 }]);
  });

  it('has a log stream a host', async () => {
    const answer = await fetch(`${sagemaker.endpoint}/_local/training-jobs/pair/log-streams`);
    const { logStreams } = (await answer.json()) as { logStreams: string[] };
    expect(logStreams.toSorted()).toEqual([
      expect.stringMatching(/^pair\/algo-1-\d{10}$/),
      expect.stringMatching(/^pair\/algo-2-\d{10}$/),
    ]);
    const [first, second] = logStreams.toSorted().map((stream) => stream.slice('pair/'.length));
    expect(await log('pair', `?stream=${first}`)).toBe('algo-1 begins\nloss=0\n');
    expect(await log('pair', `?stream=${second}&tail=1`)).toBe('loss=1\n');
    expect((await log('pair')).split('\n').slice(0, -1).toSorted()).toEqual([
      'algo-1 begins',
      'algo-2 begins',
      'loss=0',
      'loss=1',
    ]);
  });

  it('fails where one of them fails, and tells of that one', async () => {
    await sagemaker.create(pair('half', { fail: 'algo-2' }));
    const job = await sagemaker.ended('half');
    expect(job.TrainingJobStatus).toBe('Failed');
    expect(job.FailureReason).toContain('ValueError: algo-2 cannot go on');
  });
});
