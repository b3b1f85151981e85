import { growthRows } from './growth';

const history = (rows: number) => ({ folder: '', files: [], rows });
const took = (seconds: number, peakBytes: number) => [{ seconds: [seconds], peakBytes }];

it('holds time against the rows, and memory against what is allowed', () => {
  const rows = growthRows(
    'load',
    [history(1e6), history(3e6), history(10e6)],
    [took(1, 400e6), took(3.1, 450e6), took(9, 501e6)],
    [500, undefined, 500],
  );
  expect(rows.filter(({ unit }) => unit === '×')).toMatchObject([
    {
      measure: "load, 3.0 M rows: time, as a multiple of 1.0 M rows'",
      ours: 3.1,
      target: '≤ 3',
      holds: false,
    },
    {
      measure: "load, 10.0 M rows: time, as a multiple of 1.0 M rows'",
      ours: 9,
      target: '≤ 10',
      holds: true,
    },
  ]);
  expect(rows.filter(({ unit }) => unit === 'MB')).toMatchObject([
    { ours: 400, target: '≤ 500', holds: true },
    { ours: 450, target: null, holds: true },
    { ours: 501, target: '≤ 500', holds: false },
  ]);
});
