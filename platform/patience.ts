const FAILURES = 5;
const LASTING_MS = 3 * 60_000;
/** Longer than any pause between two attempts: what has not failed for so long goes on elsewhere, or has ended. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

interface Series {
  failures: number;
  first: number;
  last: number;
}

/**
 * Tells when an activity has failed without explanation often and long enough to be left to a person: five times over
 * three minutes with no outage between. Neither the time it spent waiting nor the attempts that an outage cost count.
 * Each process counts what it sees itself, so that a restart makes it more patient, never less.
 */
export class Patience {
  private readonly series = new Map<string, Series>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Notes one unexplained failure. @returns whether it was the last that is retried */
  exhaustedBy(activity: string): boolean {
    const now = this.now();
    this.forgetOld(now);
    const { failures, first } = this.series.get(activity) ?? { failures: 0, first: now };
    this.series.set(activity, { failures: failures + 1, first, last: now });
    if (failures + 1 < FAILURES || now - first < LASTING_MS) return false;
    this.forget(activity);
    return true;
  }

  /** The next unexplained failure begins a new series. */
  forget(activity: string): void {
    this.series.delete(activity);
  }

  private forgetOld(now: number): void {
    for (const [activity, { last }] of this.series)
      if (now - last > FORGOTTEN_AFTER_MS) this.series.delete(activity);
  }
}
