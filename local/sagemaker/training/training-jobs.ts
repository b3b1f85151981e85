import type {
  CreateTrainingJobRequest,
  DescribeTrainingJobRequest,
  ListTrainingJobsRequest,
} from '@aws-sdk/client-sagemaker';
import { inUse, quotaExceeded, validationError } from '../api/errors';
import type { ListQuery } from '../api/listing';
import type { Operations } from '../api/operations';
import { logStreams, readJobTail, readLogTail } from '../container/log';
import { quotas, trainingQuota } from '../faults/quotas';
import { JobService } from '../jobs/job-service';
import type { JobStore } from '../jobs/job-store';
import type { ServiceOptions } from '../options';
import { createSerially } from '../serial';
import { requireObjects } from '../storage';
import { describeTraining, summarizeTraining, warmPoolStatus } from './describe';
import { TRAINING, type TrainingState } from './kind';
import { checkRules } from './rules';

type Named = DescribeTrainingJobRequest;

type TrainingQuery = ListQuery &
  Pick<ListTrainingJobsRequest, 'WarmPoolStatusEquals' | 'TrainingPlanArnEquals'>;

/** SageMaker's training API over jobs on this machine. */
export class TrainingJobs {
  /** A quota holds only where no other job begins between its check and the job's begin. */
  private readonly serially = createSerially();

  /** Whether a tuning job still needs its children. */
  isTuning: (tuningJobArn: string) => Promise<boolean> = () => Promise.resolve(false);

  private constructor(
    private readonly options: ServiceOptions,
    private readonly jobs: JobService<CreateTrainingJobRequest>,
  ) {}

  static async open(options: ServiceOptions): Promise<TrainingJobs> {
    return new TrainingJobs(options, await JobService.open<CreateTrainingJobRequest>(options, TRAINING));
  }

  get store(): JobStore {
    return this.jobs.store;
  }

  readonly operations: Operations = {
    CreateTrainingJob: (request: CreateTrainingJobRequest) => this.create(request),
    DescribeTrainingJob: async ({ TrainingJobName }: Named) =>
      describeTraining(await this.state(TrainingJobName!)),
    StopTrainingJob: ({ TrainingJobName }: Named) => this.stop(TrainingJobName!),
    DeleteTrainingJob: ({ TrainingJobName }: Named) => this.delete(TrainingJobName!),
    ListTrainingJobs: async (query: TrainingQuery) => {
      const matches = (state: TrainingState) => isAskedFor(state, query);
      const { items, NextToken } = await this.jobs.list(query, { filtersPages: true, matches });
      return { TrainingJobSummaries: items.map(summarizeTraining), NextToken };
    },
  };

  /**
   * Checks a request and starts a job with it.
   * @param tuningJobArn whose child the job is
   */
  async create(request: CreateTrainingJobRequest, tuningJobArn?: string): Promise<object> {
    checkRules(request);
    const name = request.TrainingJobName!;
    this.jobs.requireFree(name);
    await this.requireData(request);
    await this.serially(async () => {
      await this.requireQuota(request);
      await this.jobs.write(name, request, tuningJobArn);
    });
    this.jobs.start(name);
    return { TrainingJobArn: this.jobs.arn(name) };
  }

  state(name: string): Promise<TrainingState> {
    return this.jobs.state(name);
  }

  stop(name: string): Promise<object> {
    return this.jobs.stop(name);
  }

  settle(): Promise<void> {
    return this.jobs.settle();
  }

  /** A spot interruption: the programs are killed, and started anew with their checkpoints. */
  async interrupt(name: string): Promise<object> {
    const state = await this.jobs.inProgress(name);
    if (!state.record.request.EnableManagedSpotTraining) {
      throw validationError(`${name} is not a spot job: EnableManagedSpotTraining is not set.`);
    }
    await this.store.requestInterruption(name);
    return {};
  }

  /** An internal error: the programs are killed, and started anew where RetryStrategy says so. */
  async break(name: string): Promise<object> {
    await this.jobs.inProgress(name);
    await this.store.requestBreakdown(name);
    return {};
  }

  /** The last lines that the job's programs wrote, or those of one log stream, oldest first. */
  async log(name: string, lines: number, stream?: string): Promise<string[]> {
    const logs = await this.logs(name);
    if (stream === undefined) return readJobTail(logs, lines);
    const found = (await logStreams(logs)).find((one) => one.name === stream);
    if (!found) throw validationError(`The specified log stream does not exist: ${name}/${stream}`);
    return readLogTail(found.path, lines);
  }

  /** CloudWatch's names of the job's log streams, `<job>/<host>-<epoch seconds>`. */
  async logStreams(name: string): Promise<string[]> {
    return (await logStreams(await this.logs(name))).map((stream) => `${name}/${stream.name}`);
  }

  private async logs(name: string): Promise<string> {
    await this.state(name);
    return this.store.folder(name).logs;
  }

  private async delete(name: string): Promise<object> {
    const { tuningJobArn } = (await this.state(name)).record;
    if (tuningJobArn && (await this.isTuning(tuningJobArn))) {
      throw inUse(`hyperparameter tuning job ${tuningJobArn}`, 'InProgress');
    }
    return this.jobs.delete(name);
  }

  private async requireQuota(request: CreateTrainingJobRequest): Promise<void> {
    const quotaOf = ({ ResourceConfig, EnableManagedSpotTraining }: CreateTrainingJobRequest) =>
      trainingQuota(ResourceConfig!.InstanceType!, EnableManagedSpotTraining ?? false);
    const quota = quotaOf(request);
    const limit = (await quotas(this.options.home))[quota];
    if (limit === undefined) return;
    const delta = request.ResourceConfig!.InstanceCount!;
    const used = (await this.jobs.open())
      .filter(({ record }) => quotaOf(record.request) === quota)
      .reduce((sum, { record }) => sum + record.request.ResourceConfig!.InstanceCount!, 0);
    if (used + delta > limit) throw quotaExceeded(quota, limit, used, delta);
  }

  /** @throws ApiError where a channel has no objects */
  async requireData({ InputDataConfig }: Pick<CreateTrainingJobRequest, 'InputDataConfig'>): Promise<void> {
    for (const channel of InputDataConfig ?? []) {
      const uri = channel.DataSource!.S3DataSource!.S3Uri!;
      await requireObjects(uri, this.options.storage);
    }
  }
}

/** Whether a job is one that the filters which no other list has ask for. */
function isAskedFor(state: TrainingState, query: TrainingQuery): boolean {
  const { WarmPoolStatusEquals: pool, TrainingPlanArnEquals: plan } = query;
  return (
    (pool === undefined || warmPoolStatus(state)?.Status === pool) &&
    (plan === undefined || state.record.request.ResourceConfig!.TrainingPlanArn === plan)
  );
}
