import { createHash } from 'node:crypto';
import { ApiError } from '../api/errors';
import type { TrainingJobs } from '../training/training-jobs';
import { hasEnded, trialState, type Child } from './child';
import { childRequest, definitionsOf, type Definition } from './definition';
import { ObjectiveReader } from './objective-reader';
import { asText, asValue, spaceOf, type Parameter } from './space';
import type { Report, Trial, TuningRecord, TuningStore } from './tuning-store';

/** A tuning job that has not ended: its trials and reports as they are on disk, its children as they are now. */
export class OpenTuning {
  readonly definitions: Definition[];
  readonly spaces: Parameter[][];
  private readonly readers = new Map<number, ObjectiveReader>();
  /** Children of which nothing more is to be read. */
  private readonly readOut = new Set<number>();

  private constructor(
    readonly record: TuningRecord,
    private readonly store: TuningStore,
    private readonly training: TrainingJobs,
    readonly trials: Trial[],
    readonly reports: Report[],
  ) {
    this.definitions = definitionsOf(record.request);
    this.spaces = this.definitions.map(({ ranges }) => spaceOf(ranges));
  }

  /** Without its reports, which only the one who writes them may read. */
  static async look(name: string, store: TuningStore, training: TrainingJobs): Promise<OpenTuning> {
    return new OpenTuning(await store.record(name), store, training, await store.trials(name), []);
  }

  static async load(name: string, store: TuningStore, training: TrainingJobs): Promise<OpenTuning> {
    const [record, trials, reports] = await Promise.all([
      store.record(name),
      store.trials(name),
      store.reports(name),
    ]);
    return new OpenTuning(record, store, training, trials, reports);
  }

  get name(): string {
    return this.record.name;
  }

  /** The children whose training jobs were made. */
  async children(): Promise<Child[]> {
    const made = this.trials.filter(({ jobName }) => this.training.store.has(jobName));
    return Promise.all(
      made.map(async (trial) => ({
        trial,
        definition: this.definitions[trial.definition]!,
        job: await this.training.state(trial.jobName),
      })),
    );
  }

  /** Decides on a child: on disk before its training job is made, so that it is made once. */
  async addTrial(definition: number, parameters: Record<string, number | string>): Promise<void> {
    const number = this.trials.length + 1;
    const entries = Object.entries(parameters).map(([name, value]) => [name, asText(value)]);
    const trial: Trial = {
      number,
      jobName: this.jobNameOf(number),
      definition,
      parameters: Object.fromEntries(entries) as Record<string, string>,
    };
    await this.store.addTrial(this.name, trial);
    this.trials.push(trial);
  }

  /**
   * Makes the training jobs that were decided on and are not there, until a quota is full.
   * @returns why the tuning job cannot go on, where one is refused
   */
  async makeJobs(): Promise<string | null> {
    for (const trial of this.trials.filter(({ jobName }) => !this.training.store.has(jobName))) {
      const definition = this.definitions[trial.definition]!;
      const request = childRequest(definition, trial.jobName, trial.parameters, this.record.request.Tags);
      try {
        await this.training.create(request, this.record.arn);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return error.type === 'ResourceLimitExceeded' ? null : `ClientError: ${error.message}`;
      }
    }
    return null;
  }

  /** Takes up the values of the objective that the children wrote since the last time. */
  async readReports(children: Child[]): Promise<boolean> {
    const fresh: Report[] = [];
    for (const child of children) {
      const { number } = child.trial;
      if (this.readOut.has(number)) continue;
      const values = await this.readerOf(child).next();
      const known = this.valuesOf(number).length;
      fresh.push(...values.map((value, i) => ({ trial: number, step: known + i + 1, value })));
      if (hasEnded(child)) this.readOut.add(number);
    }
    if (fresh.length === 0) return false;
    await this.store.addReports(this.name, fresh);
    this.reports.push(...fresh);
    return true;
  }

  valuesOf(trial: number): number[] {
    return this.reports.filter((report) => report.trial === trial).map(({ value }) => value);
  }

  /** Values of a trial as the search reads them. */
  searched({ definition, parameters }: Trial): Record<string, number | string> {
    return Object.fromEntries(
      this.spaces[definition]!.map((parameter) => [
        parameter.name,
        asValue(parameter, parameters[parameter.name]!),
      ]),
    );
  }

  /** A child that has told all it will, or that the search need not wait for. */
  stateOf(trial: Trial, children: Child[]): ReturnType<typeof trialState> {
    const child = children.find((one) => one.trial.number === trial.number);
    return child ? trialState(child) : 'running';
  }

  /** After a restart the log is read from its beginning; what was reported before is passed over. */
  private readerOf({ trial, definition, job }: Child): ObjectiveReader {
    const known = this.readers.get(trial.number);
    if (known) return known;
    const { MetricName } = definition.objective!;
    const metrics = definition.training.AlgorithmSpecification!.MetricDefinitions!;
    const { Regex } = metrics.find(({ Name }) => Name === MetricName)!;
    const skip = this.valuesOf(trial.number).length;
    const reader = new ObjectiveReader(this.training.store.folder(job.record.name).logs, Regex!, skip);
    this.readers.set(trial.number, reader);
    return reader;
  }

  private jobNameOf(number: number): string {
    const { arn, creationTime } = this.record;
    const hash = createHash('sha256').update(`${arn}/${creationTime}/${number}`).digest('hex');
    return `${this.name}-${String(number).padStart(3, '0')}-${hash.slice(0, 8)}`;
  }
}
