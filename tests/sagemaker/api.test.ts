import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  AddTagsCommand,
  DeleteTagsCommand,
  ListTagsCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
  StopTrainingJobCommand,
  type ListTrainingJobsRequest,
} from '@aws-sdk/client-sagemaker';
import { findTestTools } from '../support/tools';
import { TestSagemaker } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

/** Sends what no SDK would. */
async function post(operation: string, body: string) {
  const answer = await fetch(sagemaker.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `SageMaker.${operation}` },
    body,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const refused = (name: string, message: string) => ({ name, message, $metadata: { httpStatusCode: 400 } });

describe('errors', () => {
  it('are SageMaker’s for a job that is not known', async () => {
    const unknown = refused('ValidationException', 'Requested resource not found.');
    await expect(sagemaker.describe('unknown')).rejects.toMatchObject(unknown);
    const stop = new StopTrainingJobCommand({ TrainingJobName: 'unknown' });
    await expect(sagemaker.client.send(stop)).rejects.toMatchObject(unknown);
  });

  it.each([
    [
      'a bad name',
      { TrainingJobName: 'a_b' },
      "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    ],
    [
      'no role',
      { RoleArn: undefined },
      "Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
    ],
    [
      'an instance type that only local mode has',
      { ResourceConfig: { InstanceType: 'local', InstanceCount: 1 } },
      "Value 'local' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value set: [",
    ],
    [
      'too long a value',
      { HyperParameters: { a: 'x'.repeat(2501) } },
      "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 2500]",
    ],
    [
      'a key for disks that are the instance’s own',
      {
        ResourceConfig: {
          InstanceType: 'ml.g5.xlarge',
          InstanceCount: 1,
          VolumeSizeInGB: 1,
          VolumeKmsKeyId: 'alias/a',
        },
      },
      'VolumeKmsKeyId is not supported for instance types with local storage',
    ],
    [
      'checkpoints outside the container',
      { CheckpointConfig: { S3Uri: 's3://a/b', LocalPath: '/tmp/checkpoints' } },
      'CheckpointConfig.LocalPath must lie there',
    ],
    [
      'data in a bucket that is not there',
      {
        InputDataConfig: [
          {
            ChannelName: 'train',
            DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://nobodys-bucket/train/' } },
          },
        ],
      },
      'No S3 objects found under S3 URL "s3://nobodys-bucket/train/" given in input data source.',
    ],
    [
      'a wait without spot',
      { StoppingCondition: { MaxRuntimeInSeconds: 1, MaxWaitTimeInSeconds: 2 } },
      'Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true',
    ],
  ])('name %s', async (_, change, message) => {
    const request = { ...sagemaker.request('refused'), ...change };
    const error = await sagemaker.create(request as never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ValidationException', message: expect.stringContaining(message) });
  });

  it('name a member that the operation does not know, and make no job', async () => {
    const request = { ...sagemaker.request('misspelt'), StopingCondition: { MaxRuntimeInSeconds: 1 } };
    const { status, body } = await post('CreateTrainingJob', JSON.stringify(request));
    expect(status).toBe(400);
    expect(body['__type']).toBe('ValidationException');
    expect(body['message']).toContain("at 'stopingCondition' failed to satisfy constraint");
    await expect(sagemaker.describe('misspelt')).rejects.toThrow('Requested resource not found.');
  });

  it('count the constraints that are broken', async () => {
    const { status, body } = await post('CreateTrainingJob', '{}');
    expect(status).toBe(400);
    expect(body['__type']).toBe('ValidationException');
    expect(body['message']).toMatch(/^3 validation errors detected: /);
  });

  it('tell wrong JSON types, malformed JSON and unknown operations', async () => {
    const number = await post('CreateTrainingJob', JSON.stringify({ TrainingJobName: 3 }));
    expect(number.body).toEqual({
      __type: 'SerializationException',
      message: 'NUMBER_VALUE can not be converted to a String',
    });
    expect((await post('CreateTrainingJob', '{')).body['__type']).toBe('SerializationException');
    expect((await post('GetLogEvents', '{}')).body['__type']).toBe('UnknownOperationException');
    expect((await post('CreateEndpoint', '{}')).body['__type']).toBe('UnknownOperationException');
  });
});

describe('names', () => {
  it('are taken once: of many creations at the same time one makes the job', async () => {
    const creations = await Promise.allSettled(
      Array.from({ length: 12 }, () => sagemaker.create(sagemaker.request('one'))),
    );
    expect(creations.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const creation of creations.filter((c) => c.status === 'rejected')) {
      expect(creation.reason).toMatchObject(
        refused(
          'ResourceInUse',
          'Training job names must be unique within an AWS account and region, and a training job with this name already exists (arn:aws:sagemaker:us-west-2:000000000000:training-job/one)',
        ),
      );
    }
    const job = await sagemaker.ended('one');
    expect(job.TrainingJobStatus).toBe('Completed');
    expect(
      sagemaker.events('one').filter(({ detail }) => detail['SecondaryStatus'] === 'Training'),
    ).toHaveLength(1);
  });
});

describe('ListTrainingJobs', () => {
  async function pages(query: ListTrainingJobsRequest): Promise<string[][]> {
    const found: string[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await sagemaker.client.send(new ListTrainingJobsCommand({ ...query, NextToken }));
      found.push(page.TrainingJobSummaries!.map((job) => job.TrainingJobName!));
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  }

  it('gives pages, newest first or as asked, and filters a page after it was taken', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) {
      await sagemaker.create(sagemaker.request(name, name === 'list-b' ? { mode: 'raise' } : {}));
      await sagemaker.ended(name);
    }
    const NameContains = 'list-';
    expect(await pages({ NameContains, MaxResults: 2 })).toEqual([['list-c', 'list-b'], ['list-a']]);
    expect(await pages({ NameContains, SortBy: 'Name', SortOrder: 'Ascending' })).toEqual([
      ['list-a', 'list-b', 'list-c'],
    ]);
    expect(await pages({ NameContains, MaxResults: 1, StatusEquals: 'Failed' })).toEqual([
      [],
      ['list-b'],
      [],
    ]);
    const { CreationTime } = await sagemaker.describe('list-a');
    expect(await pages({ NameContains, CreationTimeAfter: CreationTime })).toEqual([['list-c', 'list-b']]);
    const elsewhere = new ListTrainingJobsCommand({ NextToken: 'made up' });
    await expect(sagemaker.client.send(elsewhere)).rejects.toThrow('Invalid NextToken');
    await expect(pages({ MaxResults: 101 })).rejects.toThrow('less than or equal to 100');
    expect(await pages({ NameContains, WarmPoolStatusEquals: 'Available' })).toEqual([[]]);
  });
});

describe('tags', () => {
  it('are added, overwritten by key, listed and taken away', async () => {
    const request = { ...sagemaker.request('tagged'), Tags: [{ Key: 'a', Value: '1' }] };
    const { TrainingJobArn: ResourceArn } = await sagemaker.create(request);
    const Tags = [
      { Key: 'a', Value: '2' },
      { Key: 'b', Value: '3' },
    ];
    await sagemaker.client.send(new AddTagsCommand({ ResourceArn, Tags }));
    const listed = async () => (await sagemaker.client.send(new ListTagsCommand({ ResourceArn }))).Tags;
    expect(await listed()).toEqual(Tags);
    await sagemaker.client.send(new DeleteTagsCommand({ ResourceArn, TagKeys: ['a', 'unheard of'] }));
    expect(await listed()).toEqual(Tags.slice(1));
    const many = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    const over = new AddTagsCommand({ ResourceArn, Tags: many });
    await expect(sagemaker.client.send(over)).rejects.toMatchObject({ name: 'ValidationException' });
    expect(await listed()).toEqual(Tags.slice(1));
    const elsewhere = ResourceArn!.replace(':000000000000:', ':111111111111:');
    await expect(sagemaker.client.send(new ListTagsCommand({ ResourceArn: elsewhere }))).rejects.toThrow(
      'Requested resource not found.',
    );
    await sagemaker.ended('tagged');
  });
});

describe('the service', () => {
  it('answers at an address with one slash too many', async () => {
    const headers = { 'x-amz-target': 'SageMaker.ListTrainingJobs' };
    const answer = await fetch(`${sagemaker.endpoint}//`, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(200);
  });

  it('is found by the variable that every AWS client reads', async () => {
    process.env['AWS_ENDPOINT_URL_SAGEMAKER'] = sagemaker.endpoint;
    const client = new SageMakerClient({ region: 'us-west-2' });
    const page = await client.send(new ListTrainingJobsCommand({}));
    expect(page.TrainingJobSummaries).toBeDefined();
    client.destroy();
  });

  it('serves boto3', async () => {
    const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
    const program = join(__dirname, 'boto3_round_trip.py');
    const request = JSON.stringify(sagemaker.request('from-boto3', { rate: 0.5 }));
    const output = execFileSync(join(peers, 'bin', 'python'), [program, request], {
      env: { ...process.env, ...sagemaker.s3.env, AWS_ENDPOINT_URL_SAGEMAKER: sagemaker.endpoint },
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual({
      status: 'Completed',
      metrics: { auc: 0.75 },
      recent: true,
      again: 'ResourceInUse',
      unknown: 'ValidationException',
      listed: ['from-boto3'],
    });
  });
});
