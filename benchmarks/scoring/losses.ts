import type { LoadAnswer } from './load/load';

/** What a kill cost the callers of the killed process. */
export interface Losses {
  /** Calls that were under way and failed: at most one a connection. */
  inFlight: number;
  /** Calls that failed though they were not under way: answered before the kill, or more than there are connections. */
  beyond: number;
}

/** @param killed milliseconds of the epoch; calls that came later find nobody, and do not count */
export function lossesAt({ begin, at, took, ok }: LoadAnswer, killed: number, connections: number): Losses {
  const moment = killed - begin;
  const failed = [...at.keys()].filter((index) => ok[index] === 0);
  const before = failed.filter((index) => at[index]! < moment).length;
  const during = failed.filter((index) => at[index]! >= moment && at[index]! - took[index]! < moment).length;
  const inFlight = Math.min(during, connections);
  return { inFlight, beyond: before + during - inFlight };
}

/**
 * Milliseconds that the slowest call took of those that were under way at a moment or began after it.
 * @param moment milliseconds of the epoch
 */
export const longestSince = ({ begin, at, took }: LoadAnswer, moment: number): number =>
  took.filter((_, index) => at[index]! >= moment - begin).reduce((a, b) => Math.max(a, b), 0);
