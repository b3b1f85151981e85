import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishDeclaration } from '../../client/declarations';
import { importSeries, type SeriesRequest } from '../../local/series';
import { setStage, type Stage } from '../features/stage';
import { rowsOf } from './support';

jest.setTimeout(90_000);

const FROM = Date.parse('2026-03-22T00:00:00Z');
const DAYS = 14;
const EVERY = 900;
const A_DAY = 86_400 / EVERY;

let stage: Stage;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meridian-csv-'));
  stage = await setStage();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stage?.tearDown();
});

interface Line {
  time: string;
  value: string;
}
/** Points so many seconds apart. */
const lines = (seconds = EVERY): Line[] =>
  Array.from({ length: (DAYS * 86_400) / seconds }, (_, place) => ({
    time: new Date(FROM + place * seconds * 1000).toISOString(),
    value: String(Math.sin(place / 4) + (place % 5)),
  }));
const changed = (place: number, change: Partial<Line>): Line[] =>
  lines().map((line, own) => (own === place ? { ...line, ...change } : line));

const written = (file: string, rows: readonly Line[], header = 'when,reading'): string => {
  const path = join(folder, file);
  writeFileSync(path, [header, ...rows.map(({ time, value }) => `${time},${value}`), ''].join('\n'));
  return path;
};
const imported = (name: string, files: readonly string[], more: Partial<SeriesRequest> = {}) =>
  importSeries(stage.store, { name, files, time: 'when', value: 'reading', ...more });
const objects = async (name: string) =>
  (await stage.store.list(`raw/${name}-points/`)).map(({ key, etag }) => [key, etag]);

it('makes partitions by days in UTC and a declaration that can be published; the same files give the same', async () => {
  const files = ["it's-a.csv", 'b.csv'].map((file) => written(file, lines()));
  const first = await imported('mine', files);
  expect(first).toMatchObject({
    series: ['b', "it's-a"],
    points: 2 * A_DAY * DAYS,
    firstDay: '2026-03-22',
    lastDay: '2026-04-04',
    declaration: { series: { table: 'mine-points', everySeconds: EVERY, days: DAYS } },
  });
  await publishDeclaration(stage.store, first.declaration);
  const before = await objects('mine');
  expect(before).toHaveLength(DAYS);
  const rows = await rowsOf(stage.store, 'raw/mine-points/dt=2026-03-22/part-0.parquet');
  expect(rows).toHaveLength(2 * A_DAY);
  expect(rows[A_DAY + 1]).toEqual({
    series: "it's-a",
    time: new Date(FROM + EVERY * 1000),
    value: Math.sin(0.25) + 1,
  });
  expect(await imported('mine', files)).toEqual(first);
  expect(await objects('mine')).toEqual(before);
});

it('removes days that the files no longer have', async () => {
  await imported('shorter', [written('long.csv', lines())]);
  await imported('shorter', [written('long.csv', lines().slice(2 * A_DAY))]);
  expect((await objects('shorter')).map(([key]) => key)[0]).toContain('dt=2026-03-24/');
});

it('takes times without an offset for those of the zone that is named', async () => {
  const local = lines().map(({ time, value }) => ({ time: time.slice(0, 19).replace('T', ' '), value }));
  const { firstDay, points } = await imported('zoned', [written('zoned.csv', local)], { zone: 'Asia/Tokyo' });
  expect([firstDay, points]).toEqual(['2026-03-21', A_DAY * DAYS]);
});

it.each<[what: string, rows: Line[], more: Partial<SeriesRequest>, expected: RegExp]>([
  ['a time that is none', changed(3, { time: 'noon' }), {}, /bad\.csv, row 5: .*the when "noon"/],
  ['a value that is none', changed(3, { value: 'many' }), {}, /bad\.csv, row 5: .*the reading "many"/],
  ['a value that is infinite', changed(0, { value: 'inf' }), {}, /bad\.csv, row 2: .*the reading "inf"/],
  ['a time twice', changed(3, lines()[2]!), {}, /row 5: .*of the series "bad" twice/],
  [
    'a column that is not there',
    lines(),
    { value: 'height' },
    /bad\.csv: .*no column "height".*when, reading/,
  ],
  ['no rows', [], {}, /bad\.csv: .*a header and no rows/],
  [
    'a clock that was set back',
    lines(1800)
      .map(({ time, value }) => ({ time: new Date(time).toISOString().slice(0, 19), value }))
      .flatMap((line, at) =>
        at === 100 ? [line, { ...line, time: lines(1800)[98]!.time.slice(0, 19) }] : [line],
      ),
    {},
    /row 103: .*after/,
  ],
  [
    'a series that never changes',
    lines().map(({ time }) => ({ time, value: '1' })),
    {},
    /series "bad": .*found 1 in every one/,
  ],
  ['too few points', lines().slice(0, 30), {}, /found 30 points, expected at least 500/],
])('refuses %s, by file and row, and writes nothing', async (_, rows, more, expected) => {
  await expect(imported('bad', [written('bad.csv', rows)], more)).rejects.toMatchObject({
    code: expect.stringMatching(/^(InvalidInput|DataQualityBreach)$/),
    message: expect.stringMatching(expected),
  });
  expect(await objects('bad')).toEqual([]);
});

it('refuses files that are not there, none at all, and series of different distances', async () => {
  const [quarters, halves] = [written('quarters.csv', lines()), written('halves.csv', lines(1800))];
  await expect(imported('bad', [join(folder, 'nothing.csv')])).rejects.toThrow(
    /nothing\.csv: .*no such file/,
  );
  await expect(imported('bad', [])).rejects.toThrow(/no files/);
  await expect(imported('bad', [quarters, halves])).rejects.toThrow(
    /1800 s apart in "halves" and 900 s in "quarters"/,
  );
  await expect(imported('Bad Name', [quarters])).rejects.toMatchObject({ code: 'InvalidInput' });
});
