import { readJson } from '../files';
import type { JobFolder, Progress } from './job';

/** How often the supervisor looks for what the service asks of it. */
const LOOK_EVERY_MS = 200;

/** Its owner wants it stopped; the spot instance is reclaimed; the instance breaks; it has waited too long; the machine goes down. */
export type Demand = 'stop' | 'interrupt' | 'break' | 'max-wait' | 'shutdown';

/**
 * What is demanded of a running job. Demands come as files, so that the service may be killed right after it wrote
 * one, as SIGTERM, when the machine goes down, and as time that has run out.
 */
export class Control {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly shutDown = () => this.raise('shutdown');
  private readonly interruptions: number;
  private readonly breakdowns: number;
  private demanded: Demand | null = null;

  /** `deadline`: epoch milliseconds by which the job must have ended. */
  constructor(
    private readonly folder: JobFolder,
    { transitions, retries }: Progress,
    private readonly deadline = Number.POSITIVE_INFINITY,
  ) {
    this.interruptions = transitions.filter(({ status }) => status === 'Interrupted').length;
    this.breakdowns = retries ?? 0;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    process.on('SIGTERM', this.shutDown);
    process.on('SIGINT', this.shutDown);
  }

  /** Aborted once something is demanded. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get demand(): Demand | null {
    return this.demanded;
  }

  async look(): Promise<void> {
    if (await readJson(this.folder.stop)) this.raise('stop');
    if ((await countOf(this.folder.interruptions)) > this.interruptions) this.raise('interrupt');
    if ((await countOf(this.folder.breakdowns)) > this.breakdowns) this.raise('break');
    if (Date.now() >= this.deadline) this.raise('max-wait');
  }

  close(): void {
    clearInterval(this.timer);
    process.off('SIGTERM', this.shutDown);
    process.off('SIGINT', this.shutDown);
  }

  /** The first demand counts. */
  raise(demand: Demand): void {
    if (this.demanded) return;
    this.demanded = demand;
    this.controller.abort(demand);
  }
}

const countOf = async (path: string): Promise<number> =>
  (await readJson<{ count: number }>(path))?.count ?? 0;
