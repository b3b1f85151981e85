import fc from 'fast-check';
import { estimateSeconds, MOST_RUNS } from './estimate';

const seconds = fc.integer({ min: 1, max: 100_000 });

describe('estimateSeconds', () => {
  it('is bounded by what is declared where little is known', () => {
    expect(estimateSeconds([], 3600)).toEqual({ low: 0, high: 3600 });
    expect(estimateSeconds([50], 3600)).toEqual({ low: 50, high: 3600 });
    expect(estimateSeconds([50, 40], 3600)).toEqual({ low: 40, high: 3600 });
    expect(estimateSeconds([5000], 3600)).toEqual({ low: 3600, high: 3600 });
  });

  it('is the prediction interval that scipy gives of the logarithms', () => {
    // x = log([100, 120, 90, 110]); m ± scipy.stats.t.ppf(0.95, 3) * x.std(ddof=1) * sqrt(1 + 1/4), exponentiated.
    const { low, high } = estimateSeconds([100, 120, 90, 110], 3600);
    expect(low).toBeCloseTo(75.37, 1);
    expect(high).toBeCloseTo(144.61, 1);
  });

  it('holds an interval around the geometric mean, in order and never above what is declared', () => {
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 3, maxLength: MOST_RUNS }), seconds, (past, longest) => {
        const { low, high } = estimateSeconds(past, longest);
        const mean = Math.exp(past.reduce((sum, x) => sum + Math.log(x), 0) / past.length);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(high);
        expect(high).toBeLessThanOrEqual(longest);
        expect(low).toBeLessThanOrEqual(mean * (1 + 1e-9));
        expect(high).toBeGreaterThanOrEqual(Math.min(mean, longest) * (1 - 1e-9));
      }),
    );
  });

  it('forgets what is long ago', () => {
    fc.assert(
      fc.property(
        fc.array(seconds),
        fc.array(seconds, { minLength: MOST_RUNS, maxLength: MOST_RUNS }),
        (old, recent) => {
          expect(estimateSeconds([...old, ...recent], 1e6)).toEqual(estimateSeconds(recent, 1e6));
        },
      ),
    );
  });
});
