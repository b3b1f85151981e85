import { ApiError, inUse, validationError } from '../api/errors';
import { takePage, type Listing, type ListQuery, type Page } from '../api/listing';
import { arnOf } from '../api/operations';
import type { ServiceOptions } from '../options';
import { emitStateChange } from './events';
import { jobStatus, lastModified, type JobRecord, type JobRequest, type JobState } from './job';
import { JobStore } from './job-store';
import type { JobKind } from './kind';
import { Supervisors } from './supervisors';

/** What Create, Describe, Stop, Delete and List do alike for every kind of job. */
export class JobService<Request extends JobRequest> {
  private constructor(
    private readonly options: ServiceOptions,
    readonly kind: JobKind,
    readonly store: JobStore,
    private readonly supervisors: Supervisors,
  ) {}

  static async open<Request extends JobRequest>(
    options: ServiceOptions,
    kind: JobKind,
  ): Promise<JobService<Request>> {
    const store = await JobStore.open(options.home, kind);
    const supervisors = new Supervisors(store, options.env);
    await supervisors.recover();
    return new JobService<Request>(options, kind, store, supervisors);
  }

  arn(name: string): string {
    return arnOf(this.options, this.kind.resource, name);
  }

  /** @throws ApiError where a job has the name */
  requireFree(name: string): void {
    if (this.store.has(name)) throw this.nameTaken(name);
  }

  /** Writes a job down; it begins with `start`. @throws ApiError where a job has the name */
  async write(name: string, request: Request, tuningJobArn?: string): Promise<void> {
    const { region } = this.options;
    const creationTime = Date.now();
    const record: JobRecord<Request> = {
      name,
      arn: this.arn(name),
      region,
      creationTime,
      request,
      tuningJobArn,
    };
    if (!(await this.store.create(record))) throw this.nameTaken(name);
  }

  /** After `write`: a service killed in between finds the job again, and starts it. */
  start(name: string): void {
    this.supervisors.start(name);
  }

  /** Settled: a job whose supervisor died has ended. */
  async state(name: string): Promise<JobState<Request>> {
    if (!this.store.has(name)) throw validationError(this.kind.unknown(name));
    await this.supervisors.settle(name);
    return (await this.store.state(name)) as JobState<Request>;
  }

  async open(): Promise<JobState<Request>[]> {
    return (await this.store.open()) as JobState<Request>[];
  }

  async inProgress(name: string): Promise<JobState<Request>> {
    const state = await this.state(name);
    if (jobStatus(state) !== 'InProgress') throw this.endedAlready(state);
    return state;
  }

  async stop(name: string): Promise<object> {
    const state = await this.state(name);
    if (state.progress.outcome) throw this.endedAlready(state);
    if (await this.store.requestStop(name)) await emitStateChange(this.store.folder(name), this.kind);
    return {};
  }

  async delete(name: string): Promise<object> {
    const state = await this.state(name);
    if (!state.progress.outcome) throw inUse(`${this.kind.words} ${state.record.arn}`, jobStatus(state));
    await this.store.delete(name);
    return {};
  }

  async list(
    query: ListQuery,
    special: Pick<Listing<JobState<Request>>, 'filtersPages' | 'matches'> = {},
  ): Promise<Page<JobState<Request>>> {
    const listed = (state: JobState<Request>) => ({
      name: state.record.name,
      status: jobStatus(state),
      creationTime: state.record.creationTime,
      lastModified: lastModified(state),
    });
    return takePage((await this.store.all()) as JobState<Request>[], query, { ...special, listed });
  }

  settle(): Promise<void> {
    return this.supervisors.settleAll();
  }

  private nameTaken(name: string): ApiError {
    const words = this.kind.words.charAt(0).toUpperCase() + this.kind.words.slice(1);
    return new ApiError(
      'ResourceInUse',
      `${words} names must be unique within an AWS account and region, and a ${this.kind.words} with this name already exists (${this.arn(name)})`,
    );
  }

  private endedAlready(state: JobState<Request>): ApiError {
    return validationError(
      `The request was rejected because the ${this.kind.words} is in status ${jobStatus(state)}.`,
    );
  }
}
