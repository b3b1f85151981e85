import fc from 'fast-check';
import { median, quantile } from './statistics';

const numbers = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('quantile', () => {
  // numpy.quantile([15, 20, 35, 40, 50], [0.05, 0.3, 0.4, 0.5, 0.95])
  it.each([
    [0.05, 16],
    [0.3, 23],
    [0.4, 29],
    [0.5, 35],
    [0.95, 48],
  ])('is what NumPy has at %d', (q, expected) => {
    expect(quantile([40, 15, 50, 20, 35], q)).toBeCloseTo(expected, 10);
  });

  it('lies within the values, reaches both ends, and grows with q', () => {
    fc.assert(
      fc.property(numbers, share, share, (values, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(quantile(values, 0)).toBe(Math.min(...values));
        expect(quantile(values, 1)).toBe(Math.max(...values));
        expect(quantile(values, high) - quantile(values, low)).toBeGreaterThanOrEqual(-1e-6);
      }),
    );
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    expect(median(values)).toBe(2);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses no values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});
