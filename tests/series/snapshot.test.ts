import { createSeriesDatasetActivities } from '../../activities/datasets/series';
import type { DatasetManifest, QualityReport } from '../../contracts/dataset';
import { addDays, daysEndingWith, type Day } from '../../contracts/days';
import type { SeriesDeclaration } from '../../contracts/model';
import { setStage, type Stage } from '../features/stage';
import { dayOf, deliver, deliverDays, fixtureDeclaration, rowsOf, writeRows, type Point } from './support';

jest.setTimeout(90_000);

const EVERY = 3600;
const LAST = '2026-03-20';
const DAYS = daysEndingWith(LAST, 20);

let stage: Stage;
let activities: ReturnType<typeof createSeriesDatasetActivities>;
beforeAll(async () => {
  stage = await setStage();
  activities = createSeriesDatasetActivities({ store: stage.store });
});
afterAll(() => stage?.tearDown());

let tables = 0;
/** A model that reads a raw table of its own, and that table's points. */
async function delivered(
  change: (day: Day, points: Point[]) => Point[] = (_, points) => points,
  series: Partial<SeriesDeclaration['series']> = {},
): Promise<SeriesDeclaration> {
  const table = `points-${(tables += 1)}`;
  const days = DAYS.map((day): [Day, Point[]] => {
    const points = ['a', "b's"].flatMap((name) =>
      dayOf(name, day, EVERY, (place) => Math.sin(place) + (place % 7)),
    );
    return [day, change(day, points)];
  });
  await deliverDays(stage.store, table, new Map(days.filter(([, points]) => points.length > 0)));
  return {
    ...fixtureDeclaration,
    name: `model-${tables}`,
    series: { table, everySeconds: EVERY, windowSteps: 4, days: DAYS.length, alertRate: 0.05, ...series },
    dataset: { ...fixtureDeclaration.dataset, minRows: 100 },
  };
}

const snapshotOf = (declaration: SeriesDeclaration, asOf = LAST) =>
  stage.run(activities.snapshotSeries, { declaration, declarationHash: 'd'.repeat(64), asOf });

const refusal = async (declaration: SeriesDeclaration): Promise<string> => {
  const error = await snapshotOf(declaration).then(
    () => null,
    (thrown: unknown) => thrown as { code: string; message: string },
  );
  expect(error?.code).toBe('DataQualityBreach');
  expect(await stage.store.list(`datasets/${declaration.name}/`)).toEqual([]);
  return error!.message;
};

const onDay = (day: Day, change: (points: Point[]) => Point[]) => (of: Day, points: Point[]) =>
  of === day ? change(points) : points;

describe('a snapshot of series', () => {
  it('is split by time, oldest first, and is the same again from the same points', async () => {
    const declaration = await delivered();
    const { snapshot, report } = await snapshotOf(declaration);
    expect(report).toMatchObject({ passed: true, findings: [] });
    expect(snapshot.rows).toEqual({ train: 13 * 48, validation: 3 * 48, test: 4 * 48 });
    const manifest = await stage.store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
    expect(manifest.splitRule.days).toEqual({
      train: DAYS.slice(0, 13),
      validation: DAYS.slice(13, 16),
      test: DAYS.slice(16),
    });
    expect(manifest.windows).toBeUndefined();
    const rows = await rowsOf<{ series: string; time: Date; value: number }>(
      stage.store,
      manifest.splits.test.key,
    );
    expect(Object.keys(rows[0]!)).toEqual(['series', 'time', 'value']);
    expect(rows[0]).toMatchObject({ series: 'a', time: new Date(`${DAYS[16]}T00:00:00Z`) });
    const quality = await stage.store.getJson<QualityReport>(`${snapshot.prefix}quality.json`);
    expect(quality).toEqual(report);
    expect((await snapshotOf(declaration)).snapshot).toEqual(snapshot);
  });

  it('splits a series that began late by its own days', async () => {
    const declaration = await delivered((day, points) =>
      points.filter(({ series }) => series === 'a' || day >= DAYS[10]!),
    );
    const { snapshot } = await snapshotOf(declaration);
    expect(snapshot.rows).toEqual({ train: (13 + 6) * 24, validation: (3 + 2) * 24, test: (4 + 2) * 24 });
  });

  it('keeps labelled windows that touch its points beside the splits', async () => {
    const declaration = await delivered();
    const window = (series: string, from: string, to: string) =>
      `SELECT '${series}' AS series, TIMESTAMPTZ '${from}' AS starts_at, TIMESTAMPTZ '${to}' AS ends_at`;
    await writeRows(
      stage.store,
      [
        window('a', `${LAST}T03:00:00Z`, `${LAST}T05:00:00Z`),
        window('a', '2020-01-01T00:00:00Z', '2020-01-02T00:00:00Z'),
        window('nobody', `${LAST}T03:00:00Z`, `${LAST}T05:00:00Z`),
      ].join(' UNION ALL '),
      `labels/${declaration.name}/dt=${LAST}/part-0.parquet`,
    );
    const { snapshot } = await snapshotOf(declaration);
    const { windows } = await stage.store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
    expect(windows).toMatchObject({ key: `${snapshot.prefix}windows.parquet`, rows: 1 });
    expect(await rowsOf(stage.store, windows!.key)).toEqual([
      {
        series: 'a',
        starts_at: new Date(`${LAST}T03:00:00Z`),
        ends_at: new Date(`${LAST}T05:00:00Z`),
      },
    ]);
  });
});

describe('points that nothing can be learnt from are refused, and named', () => {
  const middle = DAYS[9]!;

  it.each<[string, Parameters<typeof delivered>[0], RegExp]>([
    [
      'a gap',
      (day, points) =>
        day >= DAYS[5]! && day <= DAYS[9]! ? points.filter(({ series }) => series === 'a') : points,
      new RegExp(
        `series "b's": 120 points are missing .* from ${DAYS[4]}T23:00:00.000Z to ${DAYS[10]}T00:00`,
      ),
    ],
    [
      'a constant series',
      (_, points) => points.map((point) => (point.series === 'a' ? { ...point, value: 7 } : point)),
      /series "a": found 7 in every one of 480 points/,
    ],
    [
      'a series that is constant as long as it trains',
      (day, points) =>
        points.map((point) => (point.series === 'a' && day < DAYS[14]! ? { ...point, value: 7 } : point)),
      /series "a": the same value in every point that trains/,
    ],
    [
      'a repeated point',
      onDay(middle, (points) => [...points, points[3]!]),
      new RegExp(`1 of 961 rows repeat the series and time of another point.*${middle}T03:00`),
    ],
    [
      'a value that is no number',
      onDay(middle, (points) => [
        { ...points[0]!, value: NaN },
        { ...points[1]!, value: -Infinity },
        ...points.slice(2),
      ]),
      /2 of 960 rows have a value that is no finite number/,
    ],
    [
      'times of another zone',
      (_, points) =>
        points.map((point) => ({
          ...point,
          time: new Date(Date.parse(point.time!) + 8 * 3_600_000).toISOString(),
        })),
      /have a time outside the day of their partition/,
    ],
    [
      'another distance than is declared',
      (_, points) => points.filter((_point, place) => place % 2 === 0),
      /series "a": points are 7,200 s apart \(expected: 3,600 s \(series.everySeconds\)\)/,
    ],
    [
      'too few points of a series',
      (day, points) => points.filter(({ series }) => series === 'a' || day > DAYS[17]!),
      /series "b's": 0 windows of 4 points without a gap in train \(expected: at least 20/,
    ],
  ])('%s', async (_, change, expected) => {
    expect(await refusal(await delivered(change))).toMatch(expected);
  });

  it('times without a zone, by the object that has them', async () => {
    const declaration = await delivered();
    const { table } = declaration.series;
    await deliver(
      stage.store,
      table,
      middle,
      dayOf('a', middle, EVERY, (place) => place),
      { time: 'TIMESTAMP' },
    );
    expect(await refusal(declaration)).toContain(
      `raw/${table}/dt=${middle}/part-0.parquet: time: found TIMESTAMP, expected a timestamp with time zone`,
    );
  });

  it('no points at all', async () => {
    const declaration = await delivered();
    await expect(snapshotOf(declaration, addDays(LAST, -400))).rejects.toMatchObject({
      code: 'MissingObject',
    });
  });

  it('but a few that are missing are let pass, and as many as are declared', async () => {
    const few = onDay(middle, (points) => points.filter((_, place) => place % 10 !== 3));
    expect((await snapshotOf(await delivered(few))).report.passed).toBe(true);
    expect(await refusal(await delivered(few, { maxGapShare: 0.001 }))).toContain(
      'at most 0.1 % (series.maxGapShare)',
    );
  });
});
