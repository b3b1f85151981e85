import * as fc from 'fast-check';
import { measure, rank } from './binary';
import type { Measured } from './binary';

interface Row {
  score: number;
  label: 0 | 1;
}

function measureRows(rows: Row[]): Measured {
  const positive = Uint8Array.from(rows, ({ label }) => label);
  const entity = Uint32Array.from(rows, (_, row) => row);
  return measure(
    rank(
      rows.map(({ score }) => score),
      { positive, entity, entities: rows.length },
    ),
    new Uint8Array(rows.length).fill(1),
  );
}

/** The definitions, written down as the textbook has them and as slowly as it likes. */
function byDefinition(rows: Row[]) {
  const positives = rows.filter(({ label }) => label === 1);
  const negatives = rows.filter(({ label }) => label === 0);
  let wins = 0;
  for (const { score: p } of positives)
    for (const { score: n } of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
  const thresholds = [...new Set(rows.map(({ score }) => score))].sort((a, b) => b - a);
  let [averagePrecision, recallBefore] = [0, 0];
  for (const threshold of thresholds) {
    const selected = rows.filter(({ score }) => score >= threshold);
    const hits = selected.filter(({ label }) => label === 1).length;
    const recall = hits / positives.length;
    averagePrecision += (recall - recallBefore) * (hits / selected.length);
    recallBefore = recall;
  }
  let calibrationError = 0;
  for (let bin = 0; bin < 10; bin += 1) {
    const inside = rows.filter(({ score }) => Math.min(Math.floor(score * 10), 9) === bin);
    const mean = (of: (row: Row) => number) => inside.reduce((sum, row) => sum + of(row), 0) / inside.length;
    if (inside.length > 0)
      calibrationError +=
        (inside.length / rows.length) * Math.abs(mean((r) => r.score) - mean((r) => r.label));
  }
  return { auc: wins / (positives.length * negatives.length), prAuc: averagePrecision, calibrationError };
}

// Few distinct scores, so that ties are common; the edges 0, 0.5 and 1 among them.
const score = fc.oneof(
  fc.constantFrom(0, 0.1, 0.25, 0.5, 0.75, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);
const row = fc.record<Row>({ score, label: fc.constantFrom<0 | 1>(0, 1) });
const bothClasses = fc
  .tuple(score, score, fc.array(row, { maxLength: 60 }))
  .map(([p, n, rest]): Row[] => [{ score: p, label: 1 }, ...rest, { score: n, label: 0 }]);

describe('measure', () => {
  it('agrees with the definitions, ties included', () => {
    fc.assert(
      fc.property(bothClasses, (rows) => {
        const { metrics } = measureRows(rows);
        for (const [name, value] of Object.entries(byDefinition(rows)))
          expect(metrics[name as keyof typeof metrics]).toBeCloseTo(value, 10);
      }),
    );
  });

  it('counts a row of weight n as n rows', () => {
    const weighted = fc.array(fc.tuple(row, fc.nat(4)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(weighted, bothClasses, (drawn, ground) => {
        const all = [...drawn, ...ground.map((one): [Row, number] => [one, 1])];
        const rows = all.map(([one]) => one);
        const ranked = rank(
          rows.map(({ score: value }) => value),
          {
            positive: Uint8Array.from(rows, ({ label }) => label),
            entity: Uint32Array.from(rows, (_, index) => index),
            entities: rows.length,
          },
        );
        const byWeight = measure(
          ranked,
          all.map(([, weight]) => weight),
        );
        const repeated = measureRows(all.flatMap(([one, weight]) => Array<Row>(weight).fill(one)));
        expect(byWeight.confusion).toEqual(repeated.confusion);
        for (const [name, value] of Object.entries(repeated.metrics))
          expect(byWeight.metrics[name as keyof Measured['metrics']]).toBeCloseTo(value, 10);
      }),
    );
  });

  it('weighs all rows of an entity alike', () => {
    const ranked = rank([0.9, 0.2, 0.6, 0.1], {
      positive: Uint8Array.from([1, 0, 1, 0]),
      entity: Uint32Array.from([0, 0, 1, 1]),
      entities: 2,
    });
    const { confusion } = measure(ranked, [3, 1]);
    expect(confusion).toEqual({ truePositive: 4, falsePositive: 0, trueNegative: 4, falseNegative: 0 });
  });

  it('leaves what a single class cannot say undefined', () => {
    const { metrics } = measureRows([
      { score: 0.2, label: 1 },
      { score: 0.7, label: 1 },
    ]);
    expect(metrics.auc).toBeNaN();
    expect(metrics).toMatchObject({ accuracy: 0.5, precision: 1, recall: 0.5 });
  });

  it('stays finite for scores of exactly 0 and 1 that are wrong', () => {
    const { metrics } = measureRows([
      { score: 0, label: 1 },
      { score: 1, label: 0 },
    ]);
    expect(metrics.logLoss).toBeCloseTo(-Math.log(Number.EPSILON), 6);
    expect(metrics).toMatchObject({ auc: 0, precision: 0, f1: 0, brier: 1, calibrationError: 1 });
  });
});
