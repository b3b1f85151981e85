import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  type SageMakerClient,
  type CreateTrainingJobRequest,
  type DescribeTrainingJobResponse,
} from '@aws-sdk/client-sagemaker';
import { create, extract } from 'tar';
import type { JobRecord } from '../../local/sagemaker/jobs/job';
import { identify } from '../../local/sagemaker/processes';
import { loadConfig, type Config } from '../../platform/config';
import { projectRoot } from '../../platform/project-root';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { createSagemaker } from '../../platform/sagemaker';
import { findTestTools } from '../support/tools';
import { ServerProcess, freePort, startS3, until, type S3Server } from '../support/servers';

interface StateChangeEvent {
  detail: Record<string, unknown>;
  resources: string[];
}

/** A real S3 and the real local SageMaker, each a process of its own, and a training program in the bucket. */
export class TestSagemaker {
  private service: ServerProcess | undefined;

  private constructor(
    readonly folder: string,
    readonly s3: S3Server,
    readonly config: Config,
    readonly store: ObjectStore,
    readonly client: SageMakerClient,
    readonly endpoint: string,
    private readonly serviceEnv: Record<string, string>,
  ) {}

  /** `serviceEnv`: what the service's environment has besides. */
  static async start(serviceEnv: Record<string, string> = {}): Promise<TestSagemaker> {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-sagemaker-'));
    const s3 = await startS3(folder);
    Object.assign(process.env, s3.env);
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const config = loadConfig({
      ...s3.env,
      AWS_ENDPOINT_URL_SAGEMAKER: endpoint,
      TEMPORAL_ADDRESS: 'none',
      REDIS_URL: 'none',
      MLFLOW_TRACKING_URI: 'none',
    });
    const store = createObjectStore(config.s3);
    const client = createSagemaker(config.sagemaker);
    const test = new TestSagemaker(folder, s3, config, store, client, endpoint, serviceEnv);
    await test.layDown();
    await test.startService();
    return test;
  }

  get home(): string {
    return join(this.folder, 'sagemaker');
  }

  async startService(): Promise<void> {
    this.service = await ServerProcess.start(
      [process.execPath, join(projectRoot(), 'dist/local/sagemaker/main.js')],
      {
        env: {
          ...this.s3.env,
          MERIDIAN_SAGEMAKER_PORT: new URL(this.endpoint).port,
          MERIDIAN_SAGEMAKER_HOME: this.home,
          MERIDIAN_SAGEMAKER_STOP_GRACE_SECONDS: '1',
          MERIDIAN_VENV_XGBOOST: join(this.folder, 'venv'),
          MERIDIAN_VENV_TUNER: process.env['MERIDIAN_VENV_TUNER'] ?? (await findTestTools()).tuner,
          ...this.serviceEnv,
        },
        log: join(this.folder, 'sagemaker.log'),
        healthy: `${this.endpoint}/_local/healthz`,
      },
    );
  }

  async stopService(signal?: NodeJS.Signals): Promise<void> {
    await this.service?.stop(signal);
  }

  async stop(): Promise<void> {
    await this.stopService();
    await this.s3.stop();
    this.client.destroy();
    this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A request for a job of the training program beside this file. */
  request(name: string, hyperparameters: Record<string, string | number> = {}): CreateTrainingJobRequest {
    const all = {
      ...hyperparameters,
      sagemaker_program: 'train.py',
      sagemaker_submit_directory: this.store.uri('code/train.tar.gz'),
    };
    const marks = this.marks(name);
    return {
      TrainingJobName: name,
      RoleArn: this.config.sagemaker.roleArn,
      AlgorithmSpecification: {
        TrainingImage: 'meridian/meridian-training-xgboost:latest',
        TrainingInputMode: 'File',
        MetricDefinitions: [
          { Name: 'auc', Regex: 'auc=([0-9.]+)' },
          { Name: 'never', Regex: 'never=([0-9.]+)' },
        ],
      },
      HyperParameters: Object.fromEntries(
        Object.entries(all).map(([key, value]) => [key, JSON.stringify(value)]),
      ),
      InputDataConfig: [
        {
          ChannelName: 'train',
          DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: this.store.uri('data/train/') } },
        },
      ],
      OutputDataConfig: { S3OutputPath: this.store.uri('training/') },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
      StoppingCondition: { MaxRuntimeInSeconds: 600 },
      Environment: { STARTED_FILE: marks.started, RELEASE_FILE: marks.release },
    };
  }

  create(request: CreateTrainingJobRequest) {
    return this.client.send(new CreateTrainingJobCommand(request));
  }

  describe(name: string): Promise<DescribeTrainingJobResponse> {
    return this.client.send(new DescribeTrainingJobCommand({ TrainingJobName: name }));
  }

  ended(name: string): Promise<DescribeTrainingJobResponse> {
    return until(`the end of ${name}`, async () => {
      const job = await this.describe(name);
      return ['Completed', 'Failed', 'Stopped'].includes(job.TrainingJobStatus!) && job;
    });
  }

  /** Process IDs of the programs of a waiting job, one for each time it was started. */
  starts(name: string): number[] {
    const { started } = this.marks(name);
    if (!existsSync(started)) return [];
    const lines = readFileSync(started, 'utf8').trim().split('\n');
    return lines.map((line) => Number(line.split(' ')[0]));
  }

  running(name: string): Promise<number> {
    return until(`the program of ${name}`, () => this.starts(name).at(-1));
  }

  /** Lets a waiting job go on. */
  release(name: string): void {
    writeFileSync(this.marks(name).release, '');
  }

  /** Asks something of the service that AWS does not have; gives its answer's status. */
  async local(route: string, body: object = {}): Promise<number> {
    const url = `${this.endpoint}/_local/${route}`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return answer.status;
  }

  supervisor(name: string): number {
    const record = readFileSync(join(this.home, 'jobs', name, 'supervisor.json'), 'utf8');
    return (JSON.parse(record) as { pid: number }).pid;
  }

  /** A job's record as the service wrote it. */
  record(name: string): JobRecord {
    return JSON.parse(readFileSync(join(this.home, 'jobs', name, 'job.json'), 'utf8')) as JobRecord;
  }

  /** What is on disk of a job right after its creation. */
  writeRecord(record: JobRecord): void {
    const folder = join(this.home, 'jobs', record.name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'job.json'), JSON.stringify(record));
  }

  /** The files of an archive in the bucket. */
  async unpack(key: string): Promise<(file: string) => string> {
    const folder = mkdtempSync(join(this.folder, 'unpacked-'));
    await this.store.download(key, join(folder, 'archive'));
    await extract({ file: join(folder, 'archive'), cwd: folder });
    return (file) => readFileSync(join(folder, file), 'utf8');
  }

  /** The statuses of a tuning job as events told them. */
  eventsOf(arn: string): unknown[] {
    return this.allEvents()
      .filter(({ resources }) => resources[0] === arn)
      .map(({ detail }) => detail['HyperParameterTuningJobStatus']);
  }

  events(name: string): StateChangeEvent[] {
    return this.allEvents().filter(({ detail }) => detail['TrainingJobName'] === name);
  }

  private allEvents(): StateChangeEvent[] {
    const lines = readFileSync(join(this.home, 'events.jsonl'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as StateChangeEvent);
  }

  private marks(name: string) {
    return { started: join(this.folder, `${name}.started`), release: join(this.folder, `${name}.release`) };
  }

  /** The bucket with its data and code, and a virtual environment of nothing but Python. */
  private async layDown(): Promise<void> {
    await this.store.ensureBucket();
    await this.store.put('data/train/a.csv', 'a');
    await this.store.put('data/train/deep/b.csv', 'b');
    await this.store.put('data/train-other/c.csv', 'c');
    const archive = join(this.folder, 'train.tar.gz');
    await create({ file: archive, cwd: __dirname, gzip: true }, ['train.py', 'pair.py', 'search.py']);
    await this.store.upload(archive, 'code/train.tar.gz');
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
    mkdirSync(join(this.folder, 'venv', 'bin'), { recursive: true });
    symlinkSync(python.trim(), join(this.folder, 'venv', 'bin', 'python'));
  }
}

/** One that has ended and is only not yet reaped is not alive. */
export const isAlive = (pid: number): boolean => identify(pid).started !== '';
