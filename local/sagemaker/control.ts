import { readJson } from './files';
import type { JobFolder } from './job';

/** How often the supervisor looks for what the service asks of it. */
const LOOK_EVERY_MS = 200;

export type Demand = 'stop' | 'interrupt' | 'shutdown';

/**
 * What is demanded of a running job. Demands come as files, so that the service may be killed right after it wrote
 * one, and as SIGTERM, when the machine goes down.
 */
export class Control {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly shutDown = () => this.raise('shutdown');
  private demanded: Demand | null = null;

  /** `interruptions`: how many of them are behind the job already. */
  constructor(
    private readonly folder: JobFolder,
    private readonly interruptions: number,
  ) {
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
    const asked = await readJson<{ count: number }>(this.folder.interruptions);
    if ((asked?.count ?? 0) > this.interruptions) this.raise('interrupt');
  }

  close(): void {
    clearInterval(this.timer);
    process.off('SIGTERM', this.shutDown);
    process.off('SIGINT', this.shutDown);
  }

  private raise(demand: Demand): void {
    if (this.demanded) return;
    this.demanded = demand;
    this.controller.abort(demand);
  }
}
