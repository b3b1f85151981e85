import { bootstrap, differences, intervals, quantile } from './bootstrap';
import { METRIC_NAMES, measure, rank } from './kinds/binary';
import type { RankedRows } from './kinds/binary';

/** Rows of entities with two rows each; `skill` is how far scores follow the label. */
function madeUp(entities: number, skill: number): RankedRows {
  const rows = entities * 2;
  const entity = Uint32Array.from({ length: rows }, (_, row) => row >> 1);
  const positive = Uint8Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 1 : 0));
  const noise = (row: number) => (Math.imul(row + 1, 2_654_435_761) >>> 0) / 2 ** 32;
  const scores = Array.from(positive, (label, row) => skill * label * 0.5 + (1 - skill * 0.5) * noise(row));
  return rank(scores, { positive, entity, entities });
}

const examined = (rows: RankedRows) => ({
  measure: (weights: ArrayLike<number>) => measure(rows, weights).metrics,
});
const once = (entities: number) => new Uint8Array(entities).fill(1);
const nothing = async () => {};

describe('bootstrap', () => {
  it('gives the same draws for the same seed, others for another', async () => {
    const rows = madeUp(50, 0.5);
    const [first] = await bootstrap([examined(rows)], 50, { resamples: 5, seed: 1 }, nothing);
    expect(await bootstrap([examined(rows)], 50, { resamples: 5, seed: 1 }, nothing)).toEqual([first]);
    expect(await bootstrap([examined(rows)], 50, { resamples: 5, seed: 2 }, nothing)).not.toEqual([first]);
  });

  it('draws all models on the same resamples: a model differs from itself by nothing', async () => {
    const rows = madeUp(80, 0.5);
    const values = measure(rows, once(80)).metrics;
    const [a, b] = await bootstrap([examined(rows), examined(rows)], 80, { resamples: 40, seed: 3 }, nothing);
    const difference = differences({ values, draws: a! }, { values, draws: b! });
    for (const name of METRIC_NAMES) expect(difference[name]).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('finds an interval as wide as the theory of the mean says', async () => {
    const entities = 2000;
    const rows = madeUp(entities, 0.5);
    const values = measure(rows, once(entities)).metrics;
    const [draws] = await bootstrap([examined(rows)], entities, { resamples: 400, seed: 4 }, nothing);
    const { low, high } = intervals(values, draws!)['accuracy']!;
    // Entities are a cluster of two rows: the standard error of their mean accuracy.
    const hits = new Float64Array(entities);
    rows.scores.forEach((score, row) => {
      if ((score >= 0.5 ? 1 : 0) === rows.positive[row]) hits[rows.entity[row]!]! += 0.5;
    });
    const variance = hits.reduce((sum, hit) => sum + (hit - values.accuracy) ** 2, 0) / (entities - 1);
    const width = 2 * 1.96 * Math.sqrt(variance / entities);
    expect(low).toBeLessThan(values.accuracy);
    expect(high).toBeGreaterThan(values.accuracy);
    expect((high - low) / width).toBeGreaterThan(0.85);
    expect((high - low) / width).toBeLessThan(1.15);
  });

  it('gives intervals that hold their values, calibration error included', async () => {
    const entities = 400;
    const scores = Array.from({ length: entities }, (_, row) => (row % 10) / 10 + 0.05);
    // Of the rows with a score p, a share of p is positive: the calibration error is 0, and resampling adds to it.
    const positive = Uint8Array.from(scores, (p, row) => (Math.floor(row / 10) < Math.round(p * 40) ? 1 : 0));
    const rows = rank(scores, { positive, entity: Uint32Array.from(scores, (_, row) => row), entities });
    const values = measure(rows, once(entities)).metrics;
    expect(values.calibrationError).toBeCloseTo(0, 10);
    const [draws] = await bootstrap([examined(rows)], entities, { resamples: 50, seed: 8 }, nothing);
    const found = intervals(values, draws!);
    for (const name of METRIC_NAMES) {
      expect(found[name]!.low).toBeLessThanOrEqual(values[name]);
      expect(found[name]!.high).toBeGreaterThanOrEqual(values[name]);
    }
    expect(found['calibrationError']!.high).toBeGreaterThan(0.01);
  });

  it('leaves out resamples without both classes', async () => {
    const rows = rank([0.9, 0.1], {
      positive: Uint8Array.from([1, 0]),
      entity: Uint32Array.from([0, 1]),
      entities: 2,
    });
    const [draws] = await bootstrap([examined(rows)], 2, { resamples: 30, seed: 5 }, nothing);
    expect(draws!.some(({ auc }) => Number.isNaN(auc))).toBe(true);
    expect(intervals(measure(rows, once(2)).metrics, draws!)['auc']).toEqual({ value: 1, low: 1, high: 1 });
  });

  it('tells of each resample, and stops where that throws', async () => {
    const seen: number[] = [];
    const stop = async (done: number) => {
      seen.push(done);
      if (done === 3) throw new Error('cancelled');
    };
    await expect(bootstrap([examined(madeUp(5, 1))], 5, { resamples: 9, seed: 6 }, stop)).rejects.toThrow(
      'cancelled',
    );
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('quantile', () => {
  it('interpolates between order statistics', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0)).toBe(1);
    expect(quantile([1, 2, 3, 4], 1)).toBe(4);
    expect(quantile([7], 0.975)).toBe(7);
  });
});
