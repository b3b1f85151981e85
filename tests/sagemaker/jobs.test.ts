import { StopTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

const stop = (name: string) => sagemaker.client.send(new StopTrainingJobCommand({ TrainingJobName: name }));

describe('a training job', () => {
  it('runs the program under the container contract and leaves its artifacts', async () => {
    const request = {
      ...sagemaker.request('whole', { rate: 0.1, text: 'two words' }),
      Tags: [{ Key: 'a', Value: 'b' }],
    };
    await sagemaker.create(request);
    const job = await sagemaker.ended('whole');
    expect(job).toMatchObject({
      TrainingJobStatus: 'Completed',
      SecondaryStatus: 'Completed',
      ModelArtifacts: { S3ModelArtifacts: sagemaker.store.uri('training/whole/output/model.tar.gz') },
      FinalMetricDataList: [{ MetricName: 'auc', Value: 0.75 }],
      HyperParameters: request.HyperParameters,
      EnableManagedSpotTraining: false,
    });
    expect(job.SecondaryStatusTransitions!.map((t) => t.Status)).toEqual([
      'Starting',
      'Downloading',
      'Training',
      'Uploading',
      'Completed',
    ]);
    expect(Math.abs(Date.now() - job.TrainingEndTime!.getTime())).toBeLessThan(3_600_000);
    expect(job.TrainingTimeInSeconds).toBeGreaterThanOrEqual(1);

    const report = JSON.parse((await sagemaker.unpack('training/whole/output/model.tar.gz'))('report.json'));
    expect(report.arguments).toEqual({ mode: 'succeed', rate: 0.1, text: 'two words' });
    expect(report.data).toEqual({ 'train/a.csv': 'a', 'train/deep/b.csv': 'b' });
    expect(report.config['hyperparameters.json']).toEqual(request.HyperParameters);
    expect(report.config['inputdataconfig.json']).toEqual({
      train: { TrainingInputMode: 'File', S3DistributionType: 'FullyReplicated', RecordWrapperType: 'None' },
    });
    expect(report.config['resourceconfig.json']).toMatchObject({ current_host: 'algo-1', hosts: ['algo-1'] });
    expect(report.environment).toMatchObject({
      TRAINING_JOB_NAME: 'whole',
      TRAINING_JOB_ARN: job.TrainingJobArn,
      AWS_REGION: 'us-west-2',
      SM_HOSTS: '["algo-1"]',
      SM_CHANNELS: '["train"]',
      SM_HPS: '{"rate":0.1,"text":"two words"}',
      SM_HP_RATE: '0.1',
      SM_USER_ARGS: '["--rate","0.1","--text","two words"]',
      SM_USER_ENTRY_POINT: 'train.py',
      SM_MODULE_NAME: 'train',
    });
    expect(JSON.parse(report.environment.SM_TRAINING_ENV)).toMatchObject({ job_name: 'whole' });
    expect((await sagemaker.unpack('training/whole/output/output.tar.gz'))('notes.txt')).toBe('notes');

    const events = sagemaker.events('whole');
    expect(events.map(({ detail }) => detail['SecondaryStatus'])).toEqual(
      job.SecondaryStatusTransitions!.map((t) => t.Status),
    );
    expect(events.at(-1)).toMatchObject({
      'detail-type': 'SageMaker Training Job State Change',
      source: 'aws.sagemaker',
      resources: [job.TrainingJobArn],
      detail: { CreationTime: String(job.CreationTime!.getTime()), Tags: { a: 'b' } },
    });
  });

  it('tells the exception of a program that raises, as the training toolkit does', async () => {
    await sagemaker.create(sagemaker.request('raises', { mode: 'raise' }));
    const job = await sagemaker.ended('raises');
    expect(job.TrainingJobStatus).toBe('Failed');
    expect(job.FailureReason).toMatch(
      /^AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: the column tenure holds text"\nCommand ".*train.py --mode raise", exit code: 1$/,
    );
    expect(await sagemaker.store.head('training/raises/output/model.tar.gz')).toBeNull();
  });

  it('tells what the program wrote into its failure file', async () => {
    await sagemaker.create(sagemaker.request('failure-file', { mode: 'failure-file' }));
    const { FailureReason } = await sagemaker.ended('failure-file');
    expect(FailureReason).toBe('AlgorithmError: no positives in the training split, exit code: 3');
  });

  it('leaves no artifact where the program left no model', async () => {
    await sagemaker.create(sagemaker.request('empty', { mode: 'empty' }));
    expect((await sagemaker.ended('empty')).TrainingJobStatus).toBe('Completed');
    expect(await sagemaker.store.list('training/empty/')).toEqual([]);
  });

  it('is stopped with SIGTERM, then SIGKILL, and keeps what its model folder held', async () => {
    await sagemaker.create(sagemaker.request('stubborn', { mode: 'stubborn' }));
    const pid = await sagemaker.running('stubborn');
    await stop('stubborn');
    const { TrainingJobStatus, SecondaryStatus, SecondaryStatusTransitions } =
      await sagemaker.describe('stubborn');
    expect(TrainingJobStatus).toMatch(/^Stopp(ing|ed)$/);
    expect(SecondaryStatusTransitions!.at(-1)!.Status).toBe(SecondaryStatus);
    const job = await sagemaker.ended('stubborn');
    expect(job).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
    expect(isAlive(pid)).toBe(false);
    expect((await sagemaker.unpack('training/stubborn/output/model.tar.gz'))('partial.txt')).toBe('partial');
    await expect(stop('stubborn')).rejects.toThrow(
      'The request was rejected because the training job is in status Stopped.',
    );
  });

  it('is stopped right after its creation', async () => {
    await sagemaker.create(sagemaker.request('at-once', { mode: 'wait' }));
    const { SecondaryStatus, SecondaryStatusTransitions: [first] = [] } = await sagemaker.describe('at-once');
    expect([SecondaryStatus, first!.Status]).toEqual(['Starting', 'Starting']);
    await stop('at-once');
    await stop('at-once');
    expect((await sagemaker.ended('at-once')).TrainingJobStatus).toBe('Stopped');
    expect(sagemaker.starts('at-once').filter(isAlive)).toEqual([]);
  });

  it('is stopped where it runs longer than it may', async () => {
    const request = sagemaker.request('too-long', { mode: 'wait' });
    await sagemaker.create({ ...request, StoppingCondition: { MaxRuntimeInSeconds: 1 } });
    const job = await sagemaker.ended('too-long');
    expect(job).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' });
    expect(isAlive(sagemaker.starts('too-long')[0] ?? -1)).toBe(false);
  });

  it('runs the container entry point, with /opt/ml as the job’s own folder', async () => {
    const request = sagemaker.request('entry');
    const script = 'cp /opt/ml/input/config/hyperparameters.json /opt/ml/model/; echo "auc=0.25"';
    await sagemaker.create({
      ...request,
      HyperParameters: { plain: 'text' },
      AlgorithmSpecification: {
        ...request.AlgorithmSpecification!,
        ContainerEntrypoint: ['/bin/sh', '-c'],
        ContainerArguments: [script],
      },
    });
    expect((await sagemaker.ended('entry')).FinalMetricDataList).toMatchObject([{ Value: 0.25 }]);
    const file = await sagemaker.unpack('training/entry/output/model.tar.gz');
    expect(JSON.parse(file('hyperparameters.json'))).toEqual({ plain: 'text' });
  });

  it('fails as a client error where there is no such image', async () => {
    const request = sagemaker.request('no-image');
    request.AlgorithmSpecification!.TrainingImage = 'meridian/meridian-training-unheard-of:1';
    await sagemaker.create(request);
    expect((await sagemaker.ended('no-image')).FailureReason).toMatch(
      /^ClientError: .*MERIDIAN_VENV_UNHEARD_OF/,
    );
  });

  it('has neither code out of S3 nor credentials where it is isolated from the network', async () => {
    const isolated = (name: string, code: string) => {
      const request = sagemaker.request(name);
      const [channel] = request.InputDataConfig!;
      const S3Uri = sagemaker.store.uri('code/train.tar.gz');
      const S3DataSource = { S3DataType: 'S3Prefix' as const, S3Uri };
      return sagemaker.create({
        ...request,
        EnableNetworkIsolation: true,
        HyperParameters: { ...request.HyperParameters, sagemaker_submit_directory: code },
        InputDataConfig: [channel!, { ChannelName: 'code', DataSource: { S3DataSource } }],
      });
    };
    await isolated('isolated', '/opt/ml/input/data/code/train.tar.gz');
    expect((await sagemaker.ended('isolated')).TrainingJobStatus).toBe('Completed');
    await isolated('cut-off', sagemaker.store.uri('code/train.tar.gz'));
    expect((await sagemaker.ended('cut-off')).FailureReason).toMatch(/^ClientError: Could not connect/);
    await isolated('nowhere', '/opt/ml/input/data/code/none.tar.gz');
    expect((await sagemaker.ended('nowhere')).FailureReason).toMatch(/^ClientError: .*there is no/);
    const file = await sagemaker.unpack('training/isolated/output/model.tar.gz');
    expect(Object.keys(JSON.parse(file('report.json')).environment)).not.toContain('AWS_ACCESS_KEY_ID');
  });

  it('restores its checkpoints after a spot interruption', async () => {
    const request = sagemaker.request('spot', { mode: 'checkpoint' });
    await sagemaker.create({
      ...request,
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 600, MaxWaitTimeInSeconds: 600 },
      CheckpointConfig: { S3Uri: sagemaker.store.uri('checkpoints/spot') },
    });
    const pid = await sagemaker.running('spot');
    await until('the checkpoint', () => sagemaker.store.head('checkpoints/spot/state.txt'));
    await sagemaker.local('training-jobs/spot/interrupt');
    await until(
      'the interruption',
      async () => (await sagemaker.describe('spot')).SecondaryStatus === 'Interrupted',
    );
    const job = await sagemaker.ended('spot');
    expect(job.TrainingJobStatus).toBe('Completed');
    expect(job.SecondaryStatusTransitions!.map((t) => t.Status)).toEqual([
      'Starting',
      'Downloading',
      'Training',
      'Interrupted',
      'Starting',
      'Downloading',
      'Training',
      'Uploading',
      'Completed',
    ]);
    expect(isAlive(pid)).toBe(false);
    const file = await sagemaker.unpack('training/spot/output/model.tar.gz');
    expect(file('resumed-from.txt')).toBe('epoch 1');
    expect(() => file('partial.txt')).toThrow('ENOENT');
    expect(job.BillableTimeInSeconds).toBeLessThan(job.TrainingTimeInSeconds!);
  });
});
