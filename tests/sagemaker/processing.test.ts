import {
  CreateProcessingJobCommand,
  DescribeProcessingJobCommand,
  ListProcessingJobsCommand,
  ListTagsCommand,
  StopProcessingJobCommand,
  type CreateProcessingJobRequest,
  type ProcessingOutput,
} from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  await sagemaker.store.put('code/process.py', PROGRAM);
});
afterAll(async () => sagemaker.stop());

const PROGRAM = `
import json, os, pathlib, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
mode = sys.argv[1]
files = sorted(str(p.relative_to(base)) for p in (base / "processing" / "rows").rglob("*") if p.is_file())
config = {p.name: json.loads(p.read_text()) for p in (base / "config").iterdir()}
out = pathlib.Path(sys.argv[2])
(out / "deep").mkdir()
(out / "deep" / "report.json").write_text(json.dumps({"files": files, "config": config, "env": os.environ.get("A")}))
os.symlink(out / "deep" / "report.json", out / "link.json")
(base / "output" / "message").write_text("said " * 1000)
if mode == "fail":
    sys.exit(4)
if mode == "wait":
    with open(os.environ["STARTED_FILE"], "a") as started:
        started.write(f"{os.getpid()}\\n")
    while not os.path.exists(os.environ["RELEASE_FILE"]):
        time.sleep(0.02)
`;

function request(
  name: string,
  mode = 'succeed',
  output: Partial<ProcessingOutput> = {},
): CreateProcessingJobRequest {
  const input = (InputName: string, key: string) => ({
    InputName,
    S3Input: {
      S3Uri: sagemaker.store.uri(key),
      LocalPath: `/opt/ml/processing/${InputName}`,
      S3DataType: 'S3Prefix' as const,
      S3InputMode: 'File' as const,
    },
  });
  return {
    ProcessingJobName: name,
    RoleArn: sagemaker.config.sagemaker.roleArn,
    AppSpecification: {
      ImageUri: 'meridian/meridian-processing-xgboost:latest',
      ContainerEntrypoint: ['python', '/opt/ml/processing/code/process.py'],
      ContainerArguments: [mode, '/opt/ml/processing/out'],
    },
    ProcessingInputs: [input('code', 'code/process.py'), input('rows', 'data/train/')],
    ProcessingOutputConfig: {
      Outputs: [
        {
          OutputName: 'out',
          S3Output: {
            S3Uri: sagemaker.store.uri(`processed/${name}`),
            LocalPath: '/opt/ml/processing/out',
            S3UploadMode: 'EndOfJob',
          },
          ...output,
        },
      ],
    },
    ProcessingResources: {
      ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 1 },
    },
    Environment: { A: 'b', ...sagemaker.request(name).Environment },
    Tags: [{ Key: 'a', Value: 'b' }],
  };
}

const create = (asked: CreateProcessingJobRequest) =>
  sagemaker.client.send(new CreateProcessingJobCommand(asked));
const describeJob = (ProcessingJobName: string) =>
  sagemaker.client.send(new DescribeProcessingJobCommand({ ProcessingJobName }));
const stop = (ProcessingJobName: string) =>
  sagemaker.client.send(new StopProcessingJobCommand({ ProcessingJobName }));
const ended = (name: string) =>
  until(`the end of ${name}`, async () => {
    const job = await describeJob(name);
    return !['InProgress', 'Stopping'].includes(job.ProcessingJobStatus!) && job;
  });
const keys = async (prefix: string) =>
  (await sagemaker.store.list(prefix)).map(({ key }) => key.slice(prefix.length));

describe('a processing job', () => {
  it('runs its entry point between its inputs and outputs', async () => {
    const asked = request('whole');
    const { ProcessingJobArn } = await create(asked);
    const job = await ended('whole');
    expect(job).toMatchObject({
      ProcessingJobArn,
      ProcessingJobStatus: 'Completed',
      AppSpecification: asked.AppSpecification,
      ExitMessage: 'said '.repeat(1000).slice(0, 1024),
    });
    expect(job.ProcessingEndTime!.getTime()).toBeGreaterThanOrEqual(job.ProcessingStartTime!.getTime());
    // Links are not followed.
    expect(await keys('processed/whole/')).toEqual(['deep/report.json']);
    const report = await sagemaker.store.getJson<Record<string, never>>('processed/whole/deep/report.json');
    expect(report).toMatchObject({
      files: ['processing/rows/a.csv', 'processing/rows/deep/b.csv'],
      env: 'b',
      config: {
        'resourceconfig.json': { current_host: 'algo-1', hosts: ['algo-1'] },
        'processingjobconfig.json': { ProcessingJobName: 'whole', ProcessingJobArn },
      },
    });
    const tags = await sagemaker.client.send(new ListTagsCommand({ ResourceArn: ProcessingJobArn }));
    expect(tags.Tags).toEqual([{ Key: 'a', Value: 'b' }]);
    await expect(create(asked)).rejects.toMatchObject({ name: 'ResourceInUse' });
    await expect(stop('whole')).rejects.toThrow('is in status Completed');
  });

  it('fails by its exit status, and says what it left to say', async () => {
    await create(request('fails', 'fail'));
    const job = await ended('fails');
    expect(job).toMatchObject({
      ProcessingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: , exit code: 4',
      ExitMessage: expect.stringMatching(/^said /),
    });
    expect(await keys('processed/fails/')).toEqual([]);
  });

  it('uploads while it runs where that is asked, survives a kill of the service, and is stopped', async () => {
    const { ProcessingOutputConfig } = request('long');
    const S3Output = {
      ...ProcessingOutputConfig!.Outputs![0]!.S3Output!,
      S3UploadMode: 'Continuous' as const,
    };
    await create(request('long', 'wait', { S3Output }));
    const pid = await sagemaker.running('long');
    await until('the output', () => sagemaker.store.head('processed/long/deep/report.json'));
    await sagemaker.stopService('SIGKILL');
    await sagemaker.startService();
    expect((await describeJob('long')).ProcessingJobStatus).toBe('InProgress');
    await stop('long');
    expect((await ended('long')).ProcessingJobStatus).toBe('Stopped');
    expect(isAlive(pid)).toBe(false);
    const page = await sagemaker.client.send(new ListProcessingJobsCommand({ NameContains: 'lon' }));
    expect(page.ProcessingJobSummaries).toMatchObject([{ ProcessingJobName: 'long' }]);
  });

  it('is refused where it cannot run', async () => {
    await expect(describeJob('unheard-of')).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Could not find requested job with name: unheard-of',
    });
    const elsewhere = request('refused');
    elsewhere.ProcessingInputs![0]!.S3Input!.LocalPath = '/tmp/code';
    await expect(create(elsewhere)).rejects.toThrow(
      'LocalPath must be an absolute path under /opt/ml/processing/',
    );
    const nothing = request('refused');
    nothing.ProcessingInputs![1]!.S3Input!.S3Uri = sagemaker.store.uri('data/nowhere/');
    await expect(create(nothing)).rejects.toThrow('No S3 objects found under S3 URL');
    const keyed = request('refused');
    Object.assign(keyed.ProcessingResources!.ClusterConfig!, {
      InstanceType: 'ml.g5.xlarge',
      VolumeKmsKeyId: 'alias/volumes',
    });
    await expect(create(keyed)).rejects.toThrow('VolumeKmsKeyId is not supported for instance types with');
    const long = { ...request('refused'), Environment: { A: 'x'.repeat(257) } };
    await expect(create(long)).rejects.toThrow('length less than or equal to 256');
  });
});
