import type { CreateTrainingJobRequest, DescribeTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import {
  endedAlready,
  inUse,
  nameTaken,
  noObjects,
  quotaExceeded,
  unknownJob,
  validationError,
} from '../api/errors';
import { takePage, type ListQuery } from '../api/listing';
import { arnOf, type Operations } from '../api/operations';
import { logStreams, readJobTail, readLogTail } from '../container/log';
import { quotas, trainingQuota } from '../faults/quotas';
import { jobStatus, lastModified, type JobRecord } from '../jobs/job';
import { emitStateChange } from '../jobs/events';
import { JobStore } from '../jobs/job-store';
import { Supervisors } from '../jobs/supervisors';
import type { ServiceOptions } from '../options';
import { createSerially } from '../serial';
import { describeTraining, summarizeTraining } from './describe';
import { TRAINING, type TrainingState } from './kind';
import { checkRules } from './rules';

type Named = DescribeTrainingJobRequest;

/** SageMaker's training API over jobs on this machine. */
export class TrainingJobs {
  /** A quota holds only where no other job begins between its check and the job's begin. */
  private readonly serially = createSerially();

  /** Whether a tuning job still needs its children. */
  isTuning: (tuningJobArn: string) => Promise<boolean> = () => Promise.resolve(false);

  private constructor(
    private readonly options: ServiceOptions,
    readonly store: JobStore,
    private readonly supervisors: Supervisors,
  ) {}

  static async open(options: ServiceOptions): Promise<TrainingJobs> {
    const store = await JobStore.open(options.home, TRAINING);
    const supervisors = new Supervisors(store, options.env);
    await supervisors.recover();
    return new TrainingJobs(options, store, supervisors);
  }

  readonly operations: Operations = {
    CreateTrainingJob: (request: CreateTrainingJobRequest) => this.create(request),
    DescribeTrainingJob: async ({ TrainingJobName }: Named) =>
      describeTraining(await this.state(TrainingJobName!)),
    StopTrainingJob: ({ TrainingJobName }: Named) => this.stop(TrainingJobName!),
    DeleteTrainingJob: ({ TrainingJobName }: Named) => this.delete(TrainingJobName!),
    ListTrainingJobs: async (query: ListQuery) => {
      const all = (await this.store.all()) as TrainingState[];
      const { items, NextToken } = takePage(all, query, (state) => ({
        name: state.record.name,
        status: jobStatus(state),
        creationTime: state.record.creationTime,
        lastModified: lastModified(state),
      }));
      return { TrainingJobSummaries: items.map(summarizeTraining), NextToken };
    },
  };

  /**
   * Checks a request and starts a job with it.
   * @param tuningJobArn whose child the job is
   */
  async create(
    request: CreateTrainingJobRequest,
    tuningJobArn?: string,
  ): Promise<{ TrainingJobArn: string }> {
    checkRules(request);
    const name = request.TrainingJobName!;
    const arn = arnOf(this.options, TRAINING.resource, name);
    if (this.store.has(name)) throw nameTaken(arn);
    await this.requireData(request);
    const { region } = this.options;
    const record: JobRecord = { name, arn, region, creationTime: Date.now(), request, tuningJobArn };
    // On disk before its supervisor starts: a service killed in between finds the job again, and starts it.
    await this.serially(async () => {
      await this.requireQuota(request);
      if (!(await this.store.create(record))) throw nameTaken(arn);
    });
    this.supervisors.start(name);
    return { TrainingJobArn: arn };
  }

  /** Settled: a job whose supervisor died has ended. */
  async state(name: string): Promise<TrainingState> {
    if (!this.store.has(name)) throw unknownJob();
    await this.supervisors.settle(name);
    return (await this.store.state(name)) as TrainingState;
  }

  async stop(name: string): Promise<object> {
    const status = jobStatus(await this.state(name));
    if (status !== 'InProgress' && status !== 'Stopping') throw endedAlready(status);
    if (await this.store.requestStop(name)) await emitStateChange(this.store.folder(name), TRAINING);
    return {};
  }

  settle(): Promise<void> {
    return this.supervisors.settleAll();
  }

  /** A spot interruption: the programs are killed, and started anew with their checkpoints. */
  async interrupt(name: string): Promise<object> {
    const state = await this.inProgress(name);
    if (!state.record.request.EnableManagedSpotTraining) {
      throw validationError(`${name} is not a spot job: EnableManagedSpotTraining is not set.`);
    }
    await this.store.requestInterruption(name);
    return {};
  }

  /** An internal error: the programs are killed, and started anew where RetryStrategy says so. */
  async break(name: string): Promise<object> {
    await this.inProgress(name);
    await this.store.requestBreakdown(name);
    return {};
  }

  /** The last lines that the job's programs wrote, or those of one log stream, oldest first. */
  async log(name: string, lines: number, stream?: string): Promise<string[]> {
    if (stream === undefined) return readJobTail(this.logs(name), lines);
    const found = (await logStreams(this.logs(name))).find((one) => one.name === stream);
    if (!found) throw validationError(`The specified log stream does not exist: ${name}/${stream}`);
    return readLogTail(found.path, lines);
  }

  /** CloudWatch's names of the job's log streams, `<job>/<host>-<epoch seconds>`. */
  async logStreams(name: string): Promise<string[]> {
    return (await logStreams(this.logs(name))).map((stream) => `${name}/${stream.name}`);
  }

  private logs(name: string): string {
    if (!this.store.has(name)) throw unknownJob();
    return this.store.folder(name).logs;
  }

  private async inProgress(name: string): Promise<TrainingState> {
    const state = await this.state(name);
    if (jobStatus(state) !== 'InProgress') throw endedAlready(jobStatus(state));
    return state;
  }

  private async delete(name: string): Promise<object> {
    const state = await this.state(name);
    const { arn, tuningJobArn } = state.record;
    if (!state.progress.outcome) throw inUse(`training job ${arn}`, jobStatus(state));
    if (tuningJobArn && (await this.isTuning(tuningJobArn))) {
      throw inUse(`hyperparameter tuning job ${tuningJobArn}`, 'InProgress');
    }
    await this.store.delete(name);
    return {};
  }

  private async requireQuota(request: CreateTrainingJobRequest): Promise<void> {
    const quotaOf = ({ ResourceConfig, EnableManagedSpotTraining }: CreateTrainingJobRequest) =>
      trainingQuota(ResourceConfig!.InstanceType!, EnableManagedSpotTraining ?? false);
    const quota = quotaOf(request);
    const limit = (await quotas(this.options.home))[quota];
    if (limit === undefined) return;
    const delta = request.ResourceConfig!.InstanceCount!;
    const open = (await this.store.open()) as TrainingState[];
    const used = open
      .filter(({ record }) => quotaOf(record.request) === quota)
      .reduce((sum, { record }) => sum + record.request.ResourceConfig!.InstanceCount!, 0);
    if (used + delta > limit) throw quotaExceeded(quota, limit, used, delta);
  }

  /** @throws ApiError where a channel has no objects */
  async requireData({ InputDataConfig }: Pick<CreateTrainingJobRequest, 'InputDataConfig'>): Promise<void> {
    for (const channel of InputDataConfig ?? []) {
      const uri = channel.DataSource!.S3DataSource!.S3Uri!;
      const { store, key } = this.options.storage(uri);
      if ((await store.list(key)).length === 0) throw noObjects(uri);
    }
  }
}
