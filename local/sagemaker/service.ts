import { mkdir } from 'node:fs/promises';
import type {
  AddTagsInput,
  CreateTrainingJobRequest,
  DescribeTrainingJobRequest,
  ListTagsInput,
} from '@aws-sdk/client-sagemaker';
import type { Log } from '../../platform/log';
import { endedAlready, nameTaken, noObjects, unknownJob, validationError } from './api/errors';
import { checkRules } from './api/rules';
import { readLogTail } from './container/log';
import { describe, jobStatus } from './describe';
import { emitStateChange } from './events';
import type { JobRecord } from './job';
import { JobStore } from './job-store';
import { listJobs } from './listing';
import type { Storage } from './storage';
import { Supervisors } from './supervisors';

/** How often jobs are checked for a supervisor that has died. */
const SETTLE_EVERY_MS = 1000;

export interface ServiceOptions {
  /** Folder of all state. */
  home: string;
  region: string;
  /** Twelve digits: part of every ARN. */
  account: string;
  storage: Storage;
  /** Environment of the supervisors: S3's address and credentials, the virtual environments of the images. */
  env: NodeJS.ProcessEnv;
  log: Log;
}

type Operation = (request: never) => Promise<object>;

/** SageMaker's training API over jobs on this machine. */
export class TrainingService {
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly options: ServiceOptions,
    private readonly store: JobStore,
    private readonly supervisors: Supervisors,
  ) {
    this.timer = setInterval(() => {
      this.settleAll().catch((error: unknown) => options.log.error({ error }, 'jobs could not be checked'));
    }, SETTLE_EVERY_MS);
  }

  static async open(options: ServiceOptions): Promise<TrainingService> {
    await mkdir(options.home, { recursive: true });
    const store = await JobStore.open(options.home);
    const supervisors = new Supervisors(store, options.env);
    await supervisors.recover();
    return new TrainingService(options, store, supervisors);
  }

  /** Ends the service; its jobs go on. */
  close(): void {
    clearInterval(this.timer);
  }

  readonly operations: Record<string, Operation> = {
    CreateTrainingJob: (request: CreateTrainingJobRequest) => this.create(request),
    DescribeTrainingJob: ({ TrainingJobName }: DescribeTrainingJobRequest) => this.describe(TrainingJobName!),
    StopTrainingJob: ({ TrainingJobName }: DescribeTrainingJobRequest) => this.stop(TrainingJobName!),
    ListTrainingJobs: async (query: Record<string, unknown>) => listJobs(await this.store.all(), query),
    AddTags: async ({ ResourceArn, Tags }: AddTagsInput) => ({
      Tags: await this.store.addTags(this.named(ResourceArn!), Tags!),
    }),
    ListTags: async ({ ResourceArn }: ListTagsInput) => ({
      Tags: await this.store.tags(this.named(ResourceArn!)),
    }),
  };

  /** A spot interruption: the program is killed, and started anew with its checkpoints. */
  async interrupt(name: string): Promise<object> {
    const state = await this.settled(name);
    if (!state.record.request.EnableManagedSpotTraining) {
      throw validationError(`${name} is not a spot job: EnableManagedSpotTraining is not set.`);
    }
    if (jobStatus(state) !== 'InProgress') throw endedAlready(jobStatus(state));
    await this.store.requestInterruption(name);
    return {};
  }

  /** The last lines that the job's program wrote, oldest first. */
  async log(name: string, lines: number): Promise<string[]> {
    if (!this.store.has(name)) throw unknownJob();
    return readLogTail(this.store.folder(name).log, lines);
  }

  private async create(request: CreateTrainingJobRequest): Promise<object> {
    checkRules(request);
    const name = request.TrainingJobName!;
    const { region, account } = this.options;
    const arn = `arn:aws:sagemaker:${region}:${account}:training-job/${name}`;
    if (this.store.has(name)) throw nameTaken(arn);
    await this.requireData(request);
    const record: JobRecord = { name, arn, region, creationTime: Date.now(), request };
    // On disk before its supervisor starts: a service killed in between finds the job again, and starts it.
    if (!(await this.store.create(record))) throw nameTaken(arn);
    this.supervisors.start(name);
    return { TrainingJobArn: arn };
  }

  private async requireData({ InputDataConfig }: CreateTrainingJobRequest): Promise<void> {
    for (const channel of InputDataConfig ?? []) {
      const uri = channel.DataSource!.S3DataSource!.S3Uri!;
      const { store, key } = this.options.storage(uri);
      if ((await store.list(key)).length === 0) throw noObjects(uri);
    }
  }

  private async describe(name: string): Promise<object> {
    return describe(await this.settled(name));
  }

  private async stop(name: string): Promise<object> {
    const status = jobStatus(await this.settled(name));
    if (status !== 'InProgress' && status !== 'Stopping') throw endedAlready(status);
    if (await this.store.requestStop(name)) await emitStateChange(this.store.folder(name));
    return {};
  }

  private async settled(name: string) {
    if (!this.store.has(name)) throw unknownJob();
    await this.supervisors.settle(name);
    return this.store.state(name);
  }

  private async settleAll(): Promise<void> {
    const open = (await this.store.all()).filter(({ progress }) => !progress.outcome);
    await Promise.all(open.map(({ record }) => this.supervisors.settle(record.name)));
  }

  private named(arn: string): string {
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    if (!this.store.has(name)) throw unknownJob();
    return name;
  }
}
