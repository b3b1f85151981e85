import type {
  DescribeHyperParameterTuningJobRequest,
  ListTrainingJobsForHyperParameterTuningJobRequest,
} from '@aws-sdk/client-sagemaker';
import { inUse, tuningNameTaken, unknownTuningJob, validationError } from '../api/errors';
import { takePage, type ListQuery } from '../api/listing';
import { arnOf, partsOf, type Operations } from '../api/operations';
import { emitEvent } from '../jobs/events';
import { jobStatus, lastModified } from '../jobs/job';
import type { ServiceOptions } from '../options';
import type { TrainingJobs } from '../training/training-jobs';
import { bestOf, objectiveOf, type Child } from './child';
import { definitionsOf, type TuningRequest } from './definition';
import {
  describeTuning,
  summarizeChild,
  summarizeTuning,
  tuningModified,
  tuningStatus,
  type TuningState,
} from './describe';
import { checkTuningRules } from './rules';
import { TuningLoop } from './tuning-loop';
import { TuningStore } from './tuning-store';

export const TUNING_RESOURCE = 'hyper-parameter-tuning-job';

type Named = DescribeHyperParameterTuningJobRequest;

/** SageMaker's tuning API: its children are training jobs as every other. */
export class TuningJobs {
  private constructor(
    private readonly options: ServiceOptions,
    private readonly training: TrainingJobs,
    readonly store: TuningStore,
    private readonly loop: TuningLoop,
  ) {}

  static async open(options: ServiceOptions, training: TrainingJobs): Promise<TuningJobs> {
    const store = await TuningStore.open(options.home);
    const loop = new TuningLoop(options, store, training);
    const jobs = new TuningJobs(options, training, store, loop);
    loop.onEnd = (name) => jobs.emit(name);
    training.isTuning = async (arn) => {
      const { name } = partsOf(arn);
      return store.has(name) && (await store.ended(name)) === null;
    };
    await loop.resume();
    return jobs;
  }

  readonly operations: Operations = {
    CreateHyperParameterTuningJob: (request: TuningRequest) => this.create(request),
    DescribeHyperParameterTuningJob: async ({ HyperParameterTuningJobName }: Named) =>
      this.describe(await this.state(HyperParameterTuningJobName!)),
    StopHyperParameterTuningJob: ({ HyperParameterTuningJobName }: Named) =>
      this.stop(HyperParameterTuningJobName!),
    DeleteHyperParameterTuningJob: ({ HyperParameterTuningJobName }: Named) =>
      this.delete(HyperParameterTuningJobName!),
    ListHyperParameterTuningJobs: (query: ListQuery) => this.list(query),
    ListTrainingJobsForHyperParameterTuningJob: (query: ListTrainingJobsForHyperParameterTuningJobRequest) =>
      this.listChildren(query),
  };

  /** Ends the loop; the children go on. */
  close(): void {
    this.loop.close();
  }

  private async create(request: TuningRequest): Promise<object> {
    checkTuningRules(request);
    this.loop.requireSearch();
    const name = request.HyperParameterTuningJobName!;
    const arn = arnOf(this.options, TUNING_RESOURCE, name);
    if (this.store.has(name)) throw tuningNameTaken(arn);
    await this.checkParents(request);
    for (const { training } of definitionsOf(request)) await this.training.requireData(training);
    const record = { name, arn, creationTime: Date.now(), request };
    if (!(await this.store.create(record))) throw tuningNameTaken(arn);
    await this.emit(name);
    this.loop.begin(name);
    return { HyperParameterTuningJobArn: arn };
  }

  private async stop(name: string): Promise<object> {
    const state = await this.state(name);
    if (state.end) {
      throw validationError(
        `The request was rejected because the hyperparameter tuning job is in status ${state.end.status}.`,
      );
    }
    if (await this.store.requestStop(name)) await this.emit(name);
    return {};
  }

  private async delete(name: string): Promise<object> {
    const state = await this.state(name);
    if (!state.end) throw inUse(`hyperparameter tuning job ${state.record.arn}`, tuningStatus(state));
    await this.store.delete(name);
    this.loop.forget(name);
    return {};
  }

  private async list(query: ListQuery): Promise<object> {
    const all = await Promise.all(this.store.all().map((name) => this.state(name)));
    const sorted = { SortBy: 'Name', SortOrder: 'Ascending', ...query };
    const listed = (state: TuningState) => ({
      name: state.record.name,
      status: tuningStatus(state),
      creationTime: state.record.creationTime,
      lastModified: tuningModified(state),
    });
    const { items, NextToken } = takePage(all, sorted, { listed });
    return { HyperParameterTuningJobSummaries: items.map(summarizeTuning), NextToken };
  }

  private async listChildren(query: ListTrainingJobsForHyperParameterTuningJobRequest): Promise<object> {
    const { HyperParameterTuningJobName: name, ...rest } = query;
    const { children } = await this.state(name!);
    const byValue = query.SortBy === 'FinalObjectiveMetricValue';
    const all = byValue ? children.filter((child) => objectiveOf(child) !== undefined) : children;
    const sorted = { SortBy: 'Name', SortOrder: 'Ascending', ...rest };
    const { items, NextToken } = takePage(all, sorted, {
      listed: ({ job }) => ({
        name: job.record.name,
        status: jobStatus(job),
        creationTime: job.record.creationTime,
        lastModified: lastModified(job),
      }),
      orders: { FinalObjectiveMetricValue: (child) => objectiveOf(child)! },
    });
    return { TrainingJobSummaries: items.map(summarizeChild), NextToken };
  }

  private async describe(state: TuningState): Promise<object> {
    const { WarmStartConfig: warm } = state.record.request;
    const described = describeTuning(state);
    if (warm?.WarmStartType !== 'IdenticalDataAndAlgorithm') return described;
    const overall = bestOf([...state.children, ...(await this.loop.parentChildren(state.record.request))]);
    return { ...described, OverallBestTrainingJob: overall && summarizeOverall(overall) };
  }

  private async state(name: string): Promise<TuningState> {
    if (!this.store.has(name)) throw unknownTuningJob();
    return this.loop.state(name);
  }

  private async checkParents({ WarmStartConfig: warm }: TuningRequest): Promise<void> {
    for (const { HyperParameterTuningJobName: parent } of warm?.ParentHyperParameterTuningJobs ?? []) {
      if (!this.store.has(parent!)) throw unknownTuningJob();
      if (!(await this.store.ended(parent!))) {
        throw validationError(`The parent hyperparameter tuning job ${parent} has not ended.`);
      }
    }
  }

  private async emit(name: string): Promise<void> {
    const state = await this.state(name);
    await emitEvent(this.options.home, {
      type: 'SageMaker HyperParameter Tuning Job State Change',
      arn: state.record.arn,
      region: this.options.region,
      detail: describeTuning(state),
      tags: await this.store.tags(name),
    });
  }
}

/** A child with the name of the tuning job it is of. */
const summarizeOverall = (child: Child): Record<string, unknown> => ({
  ...summarizeChild(child),
  TuningJobName: child.job.record.tuningJobArn!.split('/').at(-1),
});
