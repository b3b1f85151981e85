import { classify, measure } from './multi-class';

const rowsOf = (labels: number[], answers: number[], classes = ['a', 'b', 'c']) =>
  classify(
    Float32Array.from(
      answers.flatMap((answer) => classes.map((_, column) => (column === answer ? 0.8 : 0.1))),
    ),
    { classes, actual: Uint16Array.from(labels), entity: Uint32Array.from(labels, (_, row) => row) },
  );

describe('the metrics of several classes', () => {
  it('are what the definitions say', () => {
    const metrics = measure(rowsOf([0, 0, 1, 1, 1], [0, 1, 1, 1, 0]), [1, 1, 1, 1, 1]);
    expect(metrics).toMatchObject({
      accuracy: 3 / 5,
      'precision.a': 1 / 2,
      'recall.a': 1 / 2,
      'f1.b': 2 / 3,
      macroF1: (1 / 2 + 2 / 3) / 2,
      weightedF1: (2 * (1 / 2) + 3 * (2 / 3)) / 5,
    });
    expect(metrics['logLoss']).toBeCloseTo(-(3 * Math.log(0.8) + 2 * Math.log(0.1)) / 5, 6);
  });

  it('say nothing of a class that occurs nowhere, and leave it out of the mean', () => {
    const metrics = measure(rowsOf([0, 1, 2], [0, 1, 2]), [1, 1, 0]);
    expect(metrics).toMatchObject({ macroF1: 1, 'f1.c': NaN, 'precision.c': NaN, 'recall.c': NaN });
  });

  it('tell a class that is never answered from one that has no rows', () => {
    const metrics = measure(rowsOf([0, 1, 1], [0, 0, 2]), [1, 1, 1]);
    expect(metrics).toMatchObject({ 'precision.b': 0, 'recall.b': 0, 'recall.c': NaN, 'precision.c': 0 });
  });

  it('stay finite where the right class had no probability', () => {
    const rows = classify(Float32Array.of(0, 1), {
      classes: ['a', 'b'],
      actual: Uint16Array.of(0),
      entity: Uint32Array.of(0),
    });
    expect(measure(rows, [1])['logLoss']).toBeCloseTo(-Math.log(Number.EPSILON), 6);
  });
});
