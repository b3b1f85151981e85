import fc from 'fast-check';
import { populationStabilityIndex } from './psi';

/** Two histograms over the same bins, each of some rows. */
const histograms = fc
  .array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 12 })
  .map((bins) => [bins.map(([one]) => one), bins.map(([, other]) => other)] as const)
  .filter((sides) => sides.every((side) => side.some((count) => count > 0)));

describe('populationStabilityIndex', () => {
  it('is never negative, the same both ways, and finite however many bins are empty', () => {
    fc.assert(
      fc.property(histograms, ([one, other]) => {
        const index = populationStabilityIndex(one, other);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(index)).toBe(true);
        expect(populationStabilityIndex(other, one)).toBeCloseTo(index, 12);
      }),
    );
  });

  it('is 0 for the same shares, of however many rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        (bins, times) => {
          const more = bins.map((count) => count * times);
          expect(populationStabilityIndex(bins, more)).toBeCloseTo(0, 12);
        },
      ),
    );
  });

  it('is the plain formula where no bin is empty', () => {
    // (0.5 − 0.2) ln(0.5 / 0.2) + (0.5 − 0.8) ln(0.5 / 0.8)
    expect(populationStabilityIndex([500, 500], [200, 800])).toBeCloseTo(0.4158883, 6);
  });

  it('does not take an empty bin for more than that its share is below a row', () => {
    const moved = populationStabilityIndex([100, 100, 0], [100, 99, 1]);
    expect(moved).toBeLessThan(0.01);
  });

  it('stays by chance below what 200 rows and ten bins are said to give', () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const sample = (): number[] => {
      const bins = Array.from({ length: 10 }, () => 0);
      for (let row = 0; row < 200; row++) bins[Math.floor(random() * 10)]! += 1;
      return bins;
    };
    const indices = Array.from({ length: 2_000 }, () => populationStabilityIndex(sample(), sample()));
    indices.sort((a, b) => a - b);
    const mean = indices.reduce((sum, index) => sum + index, 0) / indices.length;
    expect(Math.abs(mean - 0.09)).toBeLessThan(0.005);
    expect(indices[1_900]).toBeLessThan(0.18);
  });
});
