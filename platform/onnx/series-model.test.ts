import { Float64, Table, TimestampMicrosecond, Utf8, vectorFromArray } from 'apache-arrow';
import type { GoldenRows, SeriesGoldenRow } from '../../contracts/model';
import { fixtureJson, layArtifact } from '../../tests/support/artifact-fixtures';
import { loadArtifact } from './artifact';
import type { SeriesModel } from './loaded-model';
import { pointsOf, windowsOf } from './series-windows';

const STEP = 300_000;
const NOON = Date.UTC(2026, 10, 20, 12);
type Point = [series: string, time: number, value: number | null];

const tableOf = (points: Point[]): Table =>
  new Table({
    series: vectorFromArray(
      points.map(([series]) => series),
      new Utf8(),
    ),
    time: vectorFromArray(
      points.map(([, time]) => time),
      new TimestampMicrosecond(),
    ),
    value: vectorFromArray(
      points.map(([, , value]) => value),
      new Float64(),
    ),
  });

const steady = (series: string, values: (number | null)[], from = NOON): Point[] =>
  values.map((value, index) => [series, from + index * STEP, value]);

describe('a model of series', () => {
  let model: SeriesModel;
  beforeAll(async () => {
    const { store, served } = layArtifact('series');
    model = (await loadArtifact(store, served)) as SeriesModel;
  });
  afterAll(() => model.release());

  it('answers the golden rows', async () => {
    const { rows } = fixtureJson<GoldenRows<SeriesGoldenRow>>('series', 'golden.json');
    for (const [index, { expected }] of rows.entries()) {
      const { prediction, problem } = await model.answerGolden(index);
      expect(problem).toBeNull();
      expect(prediction.score).toBeCloseTo(expected, 4);
      expect(prediction.anomalous).toBe(expected > 1);
    }
  });

  it('scores the newest point of every window: value, minute of the day and series are its own', async () => {
    const points = pointsOf(
      tableOf([...steady('load', [1, 2, 3, 4, 5]), ...steady('latency', [0, 0, 0, 8], NOON - 3 * STEP)]),
    );
    const windows = windowsOf(points, model.signature);
    const found = Array.from(windows.newest, (row) => [
      points.names[points.series[row]!],
      points.time[row],
      points.value[row],
    ]);
    expect(found).toEqual([
      ['latency', NOON, 8],
      ['load', NOON + 3 * STEP, 4],
      ['load', NOON + 4 * STEP, 5],
    ]);
    // |newest − mean| + |minutes from noon| / 1000, over the threshold of the series (2 and 5).
    const expected = [6 / 2, (1.5 + 0.015) / 5, (1.5 + 0.02) / 5];
    Array.from(await model.score(windows)).forEach((score, index) =>
      expect(score).toBeCloseTo(expected[index]!, 5),
    );
  });

  it('scores nothing over a gap, be it in time or in value, in any order of rows', () => {
    const gap = steady('load', [1, 2, 3]).concat(steady('load', [4, 5, 6, 7], NOON + 4 * STEP));
    expect(windowsOf(pointsOf(tableOf(gap.toReversed())), model.signature).newest).toHaveLength(1);
    const blank = steady('load', [1, 2, 3, null, 4, 5, 6]);
    expect(windowsOf(pointsOf(tableOf(blank)), model.signature).newest).toHaveLength(0);
    const off = steady('load', [1, 2, 3, 4]).map(([s, t, v], i): Point => [s, t + (i === 2 ? 1000 : 0), v]);
    expect(windowsOf(pointsOf(tableOf(off)), model.signature).newest).toHaveLength(0);
  });

  it('scores more windows than a batch', async () => {
    const values = Array.from({ length: 2500 }, (_, index) => index % 7);
    const windows = windowsOf(pointsOf(tableOf(steady('load', values))), model.signature);
    const done: number[] = [];
    const scores = await model.score(windows, (rows) => void done.push(rows));
    expect(scores).toHaveLength(2497);
    expect(done).toEqual([1024, 2048, 2497]);
    const alone = await model.score({ ...windows, newest: windows.newest.subarray(2200, 2201) });
    expect(scores[2200]).toBe(alone[0]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'a series it has not learnt',
      () => windowsOf(pointsOf(tableOf(steady('disk', [1]))), model.signature),
      'series',
    ],
    [
      'two values at one time',
      () => pointsOf(tableOf([...steady('load', [1]), ...steady('load', [2])])),
      'time',
    ],
    ['no column', () => pointsOf(new Table({ series: vectorFromArray(['load'], new Utf8()) })), 'time'],
  ])('refuses %s', (_, work, field) => {
    expect(work).toThrow(
      expect.objectContaining({ code: 'InvalidFeatures', fields: [expect.objectContaining({ field })] }),
    );
  });

  it.each([
    ['of a series that is none of its own', { series: 'disk' }, /row 0 with series "disk"/],
    ['of too few values', { values: [1] }, /row 0 with values \[1\]/],
    ['that it answers otherwise', { expected: 5 }, /model\.onnx: found .* for golden row 0, expected 5/],
  ])('is refused with a golden row %s', async (_, change, message) => {
    const golden = fixtureJson<GoldenRows<SeriesGoldenRow>>('series', 'golden.json');
    const rows = [{ ...golden.rows[0]!, ...change }];
    const { store, served } = layArtifact('series', {
      files: { 'golden.json': JSON.stringify({ ...golden, rows }) },
    });
    await expect(loadArtifact(store, served)).rejects.toMatchObject({
      code: 'BadArtifact',
      message: expect.stringMatching(message),
    });
  });
});

describe('a regressor', () => {
  it('answers numbers of any size', async () => {
    const { store, served } = layArtifact('regressor');
    const model = await loadArtifact(store, served);
    if (model.kind !== 'tabular-regressor') throw new Error(model.kind);
    const answers = await model.predictRows([
      { a: 100, b: true },
      { a: 'x', b: null },
      { a: -100, b: false },
    ]);
    expect(answers.map(({ prediction }) => prediction)).toEqual([298.5, null, -302]);
    expect(answers[1]!.problems).toMatchObject([{ field: 'a' }]);
    await model.release();
  });
});
