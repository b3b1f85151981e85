import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateModelCommand,
  CreateTransformJobCommand,
  DeleteModelCommand,
  DescribeModelCommand,
  DescribeTransformJobCommand,
  ListModelsCommand,
  ListTransformJobsCommand,
  StopTransformJobCommand,
  type CreateTransformJobRequest,
} from '@aws-sdk/client-sagemaker';
import { create as createArchive } from 'tar';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

/** Serves a model that is a number: each line's number times it. */
const SERVE = `#!/usr/bin/env python
import http.server, os, pathlib, time
factor = int((pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model" / "factor.txt").read_text())
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, b"")
    def do_POST(self):
        lines = self.rfile.read(int(self.headers["content-length"])).decode().split()
        if "wait" in lines:
            with open(os.environ["STARTED_FILE"], "a") as started:
                started.write(f"{os.getpid()}\\n")
            time.sleep(600)
        try:
            self.answer(200, "".join(f"{int(line) * factor}\\n" for line in lines).encode())
        except ValueError as error:
            self.answer(400, str(error).encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
`;

const IMAGE = 'meridian/meridian-serving-xgboost:latest';

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  const { folder, store } = sagemaker;
  writeFileSync(join(folder, 'factor.txt'), '3');
  const file = join(folder, 'model.tar.gz');
  await createArchive({ file, cwd: folder, gzip: true }, ['factor.txt']);
  await store.upload(file, 'models/model.tar.gz');
  await store.put('batch/good/a.csv', '1\n2\n3');
  await store.put('batch/good/deep/b.csv', '4\n');
  await store.put('batch/mixed/bad.csv', '1\ntwo\n');
  await store.put('batch/mixed/good.csv', '5\n');
  await store.put('batch/slow/a.csv', 'wait\n');
});
afterAll(async () => sagemaker.stop());

const serveWith = (program: string) =>
  writeFileSync(join(sagemaker.folder, 'venv', 'bin', 'serve'), program, { mode: 0o755 });

const createModel = (ModelName: string, key = 'models/model.tar.gz') =>
  sagemaker.client.send(
    new CreateModelCommand({
      ModelName,
      ExecutionRoleArn: sagemaker.config.sagemaker.roleArn,
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: sagemaker.store.uri(key) },
    }),
  );

const request = (name: string, input: string, change = {}): CreateTransformJobRequest => ({
  TransformJobName: name,
  ModelName: 'tripler',
  BatchStrategy: 'SingleRecord',
  TransformInput: {
    DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: sagemaker.store.uri(input) } },
    ContentType: 'text/csv',
    SplitType: 'Line',
  },
  TransformOutput: { S3OutputPath: sagemaker.store.uri(`transformed/${name}`), AssembleWith: 'Line' },
  TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
  Environment: sagemaker.request(name).Environment,
  ...change,
});

const create = (asked: CreateTransformJobRequest) =>
  sagemaker.client.send(new CreateTransformJobCommand(asked));
const describeJob = (TransformJobName: string) =>
  sagemaker.client.send(new DescribeTransformJobCommand({ TransformJobName }));
const ended = (name: string) =>
  until(`the end of ${name}`, async () => {
    const job = await describeJob(name);
    return !['InProgress', 'Stopping'].includes(job.TransformJobStatus!) && job;
  });
async function outputs(name: string): Promise<Record<string, string>> {
  const prefix = `transformed/${name}/`;
  const listed = await sagemaker.store.list(prefix);
  const entries = listed.map(async ({ key }) => [
    key.slice(prefix.length),
    String(await sagemaker.store.get(key)),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

describe('a model', () => {
  it('is made once, described, listed and deleted', async () => {
    const { ModelArn } = await createModel('tripler');
    await expect(createModel('tripler')).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(`Cannot create already existing model "${ModelArn}"`),
    });
    const find = new DescribeModelCommand({ ModelName: 'tripler' });
    expect(await sagemaker.client.send(find)).toMatchObject({
      ModelArn,
      PrimaryContainer: { Image: IMAGE },
      EnableNetworkIsolation: false,
    });
    await createModel('short-lived');
    await sagemaker.client.send(new DeleteModelCommand({ ModelName: 'short-lived' }));
    const { Models } = await sagemaker.client.send(new ListModelsCommand({}));
    expect(Models).toMatchObject([{ ModelName: 'tripler', ModelArn }]);
    await expect(
      sagemaker.client.send(new DescribeModelCommand({ ModelName: 'short-lived' })),
    ).rejects.toThrow('Could not find model "arn:aws:sagemaker:us-west-2:000000000000:model/short-lived"');
    await expect(createModel('no-data', 'models/nowhere')).rejects.toThrow('Could not find model data at');
  });
});

describe('a transform job', () => {
  it('says so where the image cannot serve', async () => {
    await create(request('cannot', 'batch/good/'));
    const job = await ended('cannot');
    expect(job.TransformJobStatus).toBe('Failed');
    expect(job.FailureReason).toMatch(/^ClientError: The image .* has no program `serve`/);
  });

  it('sends every object through the model', async () => {
    serveWith(SERVE);
    const { TransformJobArn } = await create(request('whole', 'batch/good/'));
    expect(await ended('whole')).toMatchObject({ TransformJobArn, TransformJobStatus: 'Completed' });
    expect(await outputs('whole')).toEqual({ 'a.csv.out': '3\n6\n9\n', 'deep/b.csv.out': '12\n' });
  });

  it('fails for an object that is bad, and keeps what was good', async () => {
    await create(request('mixed', 'batch/mixed/'));
    const job = await ended('mixed');
    expect(job.TransformJobStatus).toBe('Failed');
    expect(job.FailureReason).toMatch(
      /^ClientError: batch\/mixed\/bad\.csv: the model answered 400: invalid literal/,
    );
    expect(await outputs('mixed')).toEqual({ 'good.csv.out': '15\n' });
  });

  it('is stopped with its server, and stores nothing', async () => {
    await create(request('slow', 'batch/slow/'));
    const pid = await sagemaker.running('slow');
    await sagemaker.client.send(new StopTransformJobCommand({ TransformJobName: 'slow' }));
    expect((await ended('slow')).TransformJobStatus).toBe('Stopped');
    expect(isAlive(pid)).toBe(false);
    expect(await outputs('slow')).toEqual({});
    const page = await sagemaker.client.send(new ListTransformJobsCommand({ StatusEquals: 'Stopped' }));
    expect(page.TransformJobSummaries).toMatchObject([{ TransformJobName: 'slow' }]);
  });

  it('is refused where it cannot be', async () => {
    await expect(create(request('refused', 'batch/nowhere/'))).rejects.toThrow(
      'No S3 objects found under S3 URL',
    );
    await expect(create(request('refused', 'batch/good/', { ModelName: 'unheard-of' }))).rejects.toThrow(
      'Could not find model',
    );
    const large = { MaxPayloadInMB: 50, MaxConcurrentTransforms: 3 };
    const TransformResources = {
      InstanceType: 'ml.g5.xlarge' as const,
      InstanceCount: 1,
      VolumeKmsKeyId: 'alias/volumes',
    };
    await expect(create(request('refused', 'batch/good/', { TransformResources }))).rejects.toThrow(
      'VolumeKmsKeyId is not supported for instance types with local storage',
    );
    await expect(create(request('refused', 'batch/good/', large))).rejects.toThrow('must not exceed 100');
    await expect(create(request('whole', 'batch/good/'))).rejects.toMatchObject({ name: 'ResourceInUse' });
  });
});
