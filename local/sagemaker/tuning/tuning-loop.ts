import { INTERNAL_ERROR, validationError } from '../api/errors';
import type { ServiceOptions } from '../options';
import type { TrainingJobs } from '../training/training-jobs';
import type { Child } from './child';
import type { TuningRequest } from './definition';
import type { TuningState } from './describe';
import { OpenTuning } from './open-tuning';
import { priorTrials } from './prior-trials';
import { Searcher } from './searcher';
import { Tuner } from './tuner';
import type { TuningStore } from './tuning-store';

const ADVANCE_EVERY_MS = 300;
/** How long a step may fail for another's sake (S3 away, no search) before the job is given up. */
const PATIENCE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 10_000;
const VENV = 'MERIDIAN_VENV_TUNER';

/** Brings all open tuning jobs forward, each by one step at a time, for as long as the service lives. */
export class TuningLoop {
  private readonly tuners = new Map<string, Tuner>();
  private readonly ended = new Map<string, TuningState>();
  private readonly busy = new Set<string>();
  /** Since when a job's steps have failed, and until when the next waits. */
  private readonly trouble = new Map<string, { since: number; until: number }>();
  private readonly timer: NodeJS.Timeout;
  private readonly searcher: Searcher | null;
  onEnd: (name: string) => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly options: ServiceOptions,
    private readonly store: TuningStore,
    private readonly training: TrainingJobs,
  ) {
    const venv = options.env[VENV];
    this.searcher = venv ? new Searcher(venv) : null;
    this.timer = setInterval(() => {
      for (const name of this.tuners.keys()) void this.advance(name);
    }, ADVANCE_EVERY_MS);
  }

  /** Takes up what an earlier service left open. */
  async resume(): Promise<void> {
    for (const name of this.store.all()) if (!(await this.store.ended(name))) await this.load(name);
  }

  begin(name: string): void {
    void this.load(name).catch((error: unknown) =>
      this.options.log.error(
        { error, tuningJob: name },
        'a tuning job could not begin; the next start takes it up',
      ),
    );
  }

  close(): void {
    clearInterval(this.timer);
    this.searcher?.close();
  }

  /** @throws ApiError where there is nothing to search with */
  requireSearch(): Searcher {
    if (this.searcher) return this.searcher;
    throw validationError(
      `The local service searches with Optuna in the virtual environment that ${VENV} names, and it is not set.`,
    );
  }

  async state(name: string): Promise<TuningState> {
    const known = this.ended.get(name);
    if (known) return known;
    const tuning = await OpenTuning.look(name, this.store, this.training);
    const [end, stopRequested] = [await this.store.ended(name), await this.store.stopRequested(name)];
    const state = { record: tuning.record, children: await tuning.children(), stopRequested, end };
    if (end) this.ended.set(name, state);
    return state;
  }

  forget(name: string): void {
    this.ended.delete(name);
  }

  /** The children of the jobs that a warm start builds upon. */
  async parentChildren({ WarmStartConfig: warm }: TuningRequest): Promise<Child[]> {
    const names = (warm?.ParentHyperParameterTuningJobs ?? []).map(
      (parent) => parent.HyperParameterTuningJobName!,
    );
    const states = await Promise.all(
      names.filter((name) => this.store.has(name)).map((name) => this.state(name)),
    );
    return states.flatMap(({ children }) => children);
  }

  private async load(name: string): Promise<void> {
    const tuning = await OpenTuning.load(name, this.store, this.training);
    const before = await this.parentChildren(tuning.record.request);
    const priors = tuning.spaces.map((space) => priorTrials(before, space));
    this.tuners.set(name, new Tuner(tuning, this.store, this.training, this.requireSearch(), priors));
  }

  private async advance(name: string): Promise<void> {
    if (this.busy.has(name) || Date.now() < (this.trouble.get(name)?.until ?? 0)) return;
    this.busy.add(name);
    try {
      const end = await this.tuners.get(name)!.advance();
      this.trouble.delete(name);
      if (!end) return;
      await this.store.end(name, end);
      this.tuners.delete(name);
      await this.onEnd(name);
    } catch (error) {
      this.options.log.error({ error, tuningJob: name }, 'a step of a tuning job failed; it is tried again');
      await this.wait(name);
    } finally {
      this.busy.delete(name);
    }
  }

  /** Pauses a job for half as long as it has been in trouble; gives it up where that lasts. */
  private async wait(name: string): Promise<void> {
    const now = Date.now();
    const since = this.trouble.get(name)?.since ?? now;
    const pause = Math.min(LONGEST_PAUSE_MS, ADVANCE_EVERY_MS + (now - since) / 2);
    this.trouble.set(name, { since, until: now + pause });
    if (now - since > PATIENCE_MS) await this.store.close(name, INTERNAL_ERROR);
  }
}
