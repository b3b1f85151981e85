import type { LoadAnswer } from './load';

const MOST_FAILURES_TOLD = 5;

/** Counts the calls that began at a moment or after it. */
export class Tally {
  private readonly at: number[] = [];
  private readonly took: number[] = [];
  private readonly ok: boolean[] = [];
  private readonly failures: string[] = [];
  private failed = 0;
  private unanswered = 0;

  /** @param begin milliseconds of the epoch */
  constructor(
    private readonly begin: number,
    private readonly seconds: number,
  ) {}

  /** A call that ends now. @param since when it began, or was due: milliseconds of the epoch */
  add(since: number, ok: boolean, failure: string): void {
    if (since < this.begin) return;
    const now = performance.timeOrigin + performance.now();
    this.at.push(now - this.begin);
    this.took.push(now - since);
    this.ok.push(ok);
    if (ok) return;
    this.failed += 1;
    if (this.failures.length < MOST_FAILURES_TOLD) this.failures.push(failure);
  }

  /** A call that is no longer waited for: it has taken this long already. */
  giveUp(since: number): void {
    if (since >= this.begin) this.unanswered += 1;
    this.add(since, true, '');
  }

  answer(): LoadAnswer {
    const { begin, seconds, failed, failures, unanswered } = this;
    const [at, took] = [Float64Array.from(this.at), Float64Array.from(this.took)];
    const ok = Uint8Array.from(this.ok, Number);
    return { begin, seconds, at, took, ok, failed, failures, unanswered };
  }
}
