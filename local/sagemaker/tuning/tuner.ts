import { createHash } from 'node:crypto';
import { ApiError } from '../api/errors';
import type { TrainingJobs } from '../training/training-jobs';
import { bestOf, hasEnded, notImproving, objectiveOf, trialState, type Child } from './child';
import { shouldStopEarly } from './early-stopping';
import type { OpenTuning } from './open-tuning';
import type { PriorTrial } from './prior-trials';
import { hyperbandResource } from './rules';
import type { Searcher, SearchAnswer } from './searcher';
import type { TuningEnd, TuningStore } from './tuning-store';

const NONE_SUCCEEDED =
  'All training jobs failed. Please take a look at the training jobs failures to get more details.';

/** Brings one tuning job forward, a step at a time; every step begins from what is on disk. */
export class Tuner {
  constructor(
    private readonly tuning: OpenTuning,
    private readonly store: TuningStore,
    private readonly training: TrainingJobs,
    private readonly searcher: Searcher,
    /** What the parents of a warm start found out, a list a definition. */
    private readonly priors: PriorTrial[][],
  ) {}

  /** @returns how the job has ended, once it has */
  async advance(): Promise<TuningEnd | null> {
    const { name } = this.tuning;
    const ending =
      (await this.store.stopRequested(name)) !== null || (await this.store.closed(name)) !== null;
    const refusal = ending ? null : await this.tuning.makeJobs();
    if (refusal !== null) await this.store.close(name, refusal);
    const children = await this.tuning.children();
    const news = await this.tuning.readReports(children);
    if (ending || refusal !== null) return this.windUp(children);
    if (this.hasEnough(children)) {
      await this.store.close(name);
      return this.windUp(children);
    }
    const exhausted = await this.search(children, news);
    const all = await this.tuning.children();
    const waiting = all.length < this.tuning.trials.length;
    return exhausted && !waiting && all.every(hasEnded) ? this.endOf(all) : null;
  }

  /** Stops what still runs; ends once nothing does. */
  private async windUp(children: Child[]): Promise<TuningEnd | null> {
    const running = children.filter((child) => !hasEnded(child));
    for (const { trial } of running) await this.stopChild(trial.jobName);
    return running.length > 0 ? null : this.endOf(children);
  }

  private async endOf(children: Child[]): Promise<TuningEnd> {
    const { name } = this.tuning;
    const time = Date.now();
    const refused = (await this.store.closed(name))?.failureReason;
    if (refused) return { status: 'Failed', time, failureReason: refused };
    if ((await this.store.stopRequested(name)) !== null) return { status: 'Stopped', time };
    if (bestOf(children)) return { status: 'Completed', time };
    return { status: 'Failed', time, failureReason: NONE_SUCCEEDED };
  }

  /** Whether a criterion of the request says that there is no need to go on. */
  private hasEnough(children: Child[]): boolean {
    const { HyperParameterTuningJobConfig: config } = this.tuning.record.request;
    const { TuningJobCompletionCriteria: criteria, ResourceLimits } = config!;
    const limit = ResourceLimits!.MaxRuntimeInSeconds;
    if (limit !== undefined && Date.now() > this.tuning.record.creationTime + limit * 1000) return true;
    const best = bestOf(children);
    if (!best) return false;
    const target = criteria?.TargetObjectiveMetricValue;
    const value = objectiveOf(best)!;
    const minimize = best.definition.objective!.Type === 'Minimize';
    if (target !== undefined && (minimize ? value <= target : value >= target)) return true;
    const patience = criteria?.BestObjectiveNotImproving?.MaxNumberOfTrainingJobsNotImproving;
    return patience !== undefined && notImproving(children) >= patience;
  }

  /** Stops what is not worth going on, and begins as many children as there is room for. */
  private async search(children: Child[], news: boolean): Promise<boolean> {
    const { HyperParameterTuningJobConfig: config } = this.tuning.record.request;
    const { MaxNumberOfTrainingJobs: most = Number.POSITIVE_INFINITY, MaxParallelTrainingJobs: parallel } =
      config!.ResourceLimits!;
    const { trials } = this.tuning;
    const running = trials.filter((trial) => this.tuning.stateOf(trial, children) === 'running').length;
    const free = Math.min(parallel! - running, most - trials.length);
    if (config!.TrainingJobEarlyStoppingType === 'Auto' && news) await this.stopEarly(children);
    const toPrune = config!.Strategy === 'Hyperband' && news;
    let begun = 0;
    for (const [definition, ask] of this.shares(Math.max(free, 0)).entries()) {
      if (ask === 0 && !toPrune) continue;
      const { suggestions, stop } = await this.ask(definition, ask, children);
      for (const child of stop) await this.stopChild(child.trial.jobName);
      for (const parameters of suggestions) await this.tuning.addTrial(definition, parameters);
      begun += suggestions.length;
    }
    if (begun > 0) await this.tuning.makeJobs();
    return trials.length >= most || (free > 0 && begun === 0);
  }

  /** How many of the next children each definition has: they take turns. */
  private shares(free: number): number[] {
    const { definitions, trials } = this.tuning;
    const shares = definitions.map(() => 0);
    for (let i = 0; i < free; i++) shares[(trials.length + i) % definitions.length]! += 1;
    return shares;
  }

  private async ask(
    definition: number,
    ask: number,
    children: Child[],
  ): Promise<{ suggestions: SearchAnswer['suggestions']; stop: Child[] }> {
    const { record, definitions, spaces, trials, reports } = this.tuning;
    const { Strategy, RandomSeed } = record.request.HyperParameterTuningJobConfig!;
    const own = trials.filter((trial) => trial.definition === definition);
    const prior = this.priors[definition]!;
    const indexOf = new Map(own.map(({ number }, i) => [number, prior.length + i]));
    const childOf = (trial: number) => children.find((one) => one.trial.number === trial);
    const answer = await this.searcher.search({
      name: record.name,
      strategy: Strategy!,
      direction: definitions[definition]!.objective!.Type === 'Minimize' ? 'minimize' : 'maximize',
      seed: RandomSeed ?? seedOf(record.arn),
      space: spaces[definition]!,
      resource:
        Strategy === 'Hyperband' ? hyperbandResource(record.request, definitions[definition]!) : undefined,
      ask,
      trials: [
        ...prior,
        ...own.map((trial) => {
          const child = childOf(trial.number);
          return {
            parameters: this.tuning.searched(trial),
            state: child ? trialState(child) : ('running' as const),
            value: child && objectiveOf(child),
          };
        }),
      ],
      reports: reports
        .filter(({ trial }) => indexOf.has(trial))
        .map(({ trial, step, value }) => [indexOf.get(trial)!, step, value]),
    });
    const given = answer.stop.flatMap((index) => childOf(own[index - prior.length]?.number ?? 0) ?? []);
    return { suggestions: answer.suggestions, stop: [...given, ...this.overlong(definition, children)] };
  }

  /** Hyperband's jobs have so many epochs and no more. */
  private overlong(definition: number, children: Child[]): Child[] {
    const { record, definitions } = this.tuning;
    if (record.request.HyperParameterTuningJobConfig!.Strategy !== 'Hyperband') return [];
    const { max } = hyperbandResource(record.request, definitions[definition]!);
    return children.filter(
      (child) =>
        child.trial.definition === definition &&
        !hasEnded(child) &&
        this.tuning.valuesOf(child.trial.number).length > max,
    );
  }

  private async stopEarly(children: Child[]): Promise<void> {
    for (const child of children.filter((one) => !hasEnded(one))) {
      const { number, definition } = child.trial;
      const earlier = children
        .filter((one) => one.trial.definition === definition && one.trial.number < number && hasEnded(one))
        .map((one) => this.tuning.valuesOf(one.trial.number));
      const values = this.tuning.valuesOf(number);
      if (shouldStopEarly(values, earlier, child.definition.objective!.Type!)) {
        await this.stopChild(child.trial.jobName);
      }
    }
  }

  private async stopChild(jobName: string): Promise<void> {
    try {
      await this.training.stop(jobName);
    } catch (error) {
      // One that has ended meanwhile needs no stop.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/** The same search for the same job, where the request names no seed. */
const seedOf = (arn: string): number => createHash('sha256').update(arn).digest().readUInt32BE();
