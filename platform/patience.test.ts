import { Patience } from './patience';

const MINUTE = 60_000;

describe('Patience', () => {
  let now: number;
  let patience: Patience;
  const failAt = (minutes: number[], activity = 'a') =>
    minutes.map((minute) => {
      now = minute * MINUTE;
      return patience.exhaustedBy(activity);
    });

  beforeEach(() => {
    patience = new Patience(() => now);
  });

  it('ends at the fifth failure that comes three minutes after the first', () => {
    expect(failAt([100, 101, 102, 103, 104])).toEqual([false, false, false, false, true]);
  });

  it('ends neither for many failures at once nor for few over a long time', () => {
    expect(failAt(Array.from({ length: 20 }, () => 1))).not.toContain(true);
    expect(failAt([1, 9, 17, 25], 'b')).not.toContain(true);
  });

  it('begins anew after an outage, and after ten minutes without a failure', () => {
    failAt([1, 2, 3, 4]);
    patience.forget('a');
    expect(failAt([5, 6, 7, 8])).not.toContain(true);
    expect(failAt([19, 20, 21, 22])).not.toContain(true);
  });

  it('counts each activity for itself', () => {
    failAt([1, 2, 3, 4]);
    expect(failAt([5], 'b')).toEqual([false]);
    expect(failAt([5])).toEqual([true]);
  });
});
