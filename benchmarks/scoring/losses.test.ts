import type { LoadAnswer } from './load/load';
import { longestSince, lossesAt } from './losses';

const BEGIN = 1_000_000;
const KILLED = BEGIN + 100;

/** Calls by when they began and ended, in milliseconds since `BEGIN`, and whether they were answered. */
function answerOf(calls: readonly [from: number, to: number, ok: boolean][]): LoadAnswer {
  const failed = calls.filter(([, , ok]) => !ok).length;
  return {
    begin: BEGIN,
    seconds: 1,
    at: Float64Array.from(calls, ([, to]) => to),
    took: Float64Array.from(calls, ([from, to]) => to - from),
    ok: Uint8Array.from(calls, ([, , ok]) => Number(ok)),
    failed,
    failures: [],
    unanswered: 0,
  };
}

describe('the losses of a kill', () => {
  it('are the calls under way; those that came later do not count', () => {
    const answer = answerOf([
      [0, 50, true],
      [90, 110, true],
      [95, 101, false],
      [99, 101, false],
      [100, 102, false],
      [500, 501, false],
    ]);
    expect(lossesAt(answer, KILLED, 8)).toEqual({ inFlight: 2, beyond: 0 });
  });

  it('go beyond those under way where a call failed before the kill, or more than one on a connection', () => {
    const answer = answerOf([
      [10, 20, false],
      [97, 101, false],
      [98, 101, false],
      [99, 101, false],
    ]);
    expect(lossesAt(answer, KILLED, 2)).toEqual({ inFlight: 2, beyond: 2 });
  });
});

describe('the longest call since a moment', () => {
  it('may have begun before it, but has not ended before it', () => {
    const answer = answerOf([
      [0, 90, true],
      [80, 120, true],
      [300, 310, true],
    ]);
    expect(longestSince(answer, KILLED)).toBe(40);
  });

  it('is none where all had ended', () => {
    expect(longestSince(answerOf([[0, 90, true]]), KILLED)).toBe(0);
  });
});
