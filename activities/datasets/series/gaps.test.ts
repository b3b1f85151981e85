import * as fc from 'fast-check';
import type { Split } from '../../../contracts/dataset';
import { addDays } from '../../../contracts/days';
import { withDatabase, type Database } from '../../../platform/duckdb';
import { countWindows, gapsOf } from './gaps';
import { splitDays } from './split';

const EVERY = 300;
const SPLITS: Split[] = ['train', 'validation', 'test'];
const DAY = { train: '2026-01-01', validation: '2026-01-02', test: '2026-01-03' };

interface Place {
  series: string;
  split: Split;
  /** Of the grid of five minutes. */
  place: number;
}

/** Places on a grid of five minutes, of some series, in some splits; a place is there or not. */
const points = fc.uniqueArray(
  fc.record({
    series: fc.constantFrom('a', 'b'),
    split: fc.constantFrom(...SPLITS),
    place: fc.integer({ min: 0, max: 30 }),
  }),
  { selector: ({ series, split, place }) => `${series} ${split} ${place}`, minLength: 1, maxLength: 120 },
);

it('counts windows and gaps as one would by hand', async () => {
  await withDatabase((database) =>
    fc.assert(
      fc.asyncProperty(points, fc.integer({ min: 2, max: 6 }), (given, windowSteps) =>
        countAndCompare(database, given, windowSteps),
      ),
      { numRuns: 25 },
    ),
  );
}, 30_000);

async function countAndCompare(
  database: Database,
  given: readonly Place[],
  windowSteps: number,
): Promise<void> {
  await database.execute(
    'CREATE OR REPLACE TABLE points (series VARCHAR, "time" TIMESTAMPTZ, value DOUBLE, dt DATE)',
  );
  const rows = given.map(({ series, split, place }) => {
    const time = new Date(Date.parse(`${DAY[split]}T00:00:00Z`) + place * EVERY * 1000).toISOString();
    return `('${series}', '${time}', ${place}, '${DAY[split]}')`;
  });
  await database.execute(`INSERT INTO points VALUES ${rows.join(', ')}`);
  await database.execute(
    `CREATE OR REPLACE TABLE split_of AS SELECT DISTINCT series, dt,
       CASE strftime(dt, '%d') WHEN '01' THEN 'train' WHEN '02' THEN 'validation' ELSE 'test' END AS _split FROM points`,
  );
  const declared = { table: 't', everySeconds: EVERY, windowSteps, days: 3, alertRate: 0.1 };
  const counted = await countWindows(database, declared);
  const gaps = await gapsOf(database, EVERY);
  const names = [...new Set(given.map(({ series }) => series))].sort();
  expect(counted.map(({ series }) => series)).toEqual(names);
  for (const [index, series] of names.entries()) {
    const own = given.filter((point) => point.series === series);
    const has = (split: Split, place: number) =>
      own.some((point) => point.split === split && point.place === place);
    const windows = (split: Split) =>
      Array.from({ length: 31 }, (_, place) =>
        Array.from({ length: windowSteps }, (__, back) => has(split, place - back)).every(Boolean),
      ).filter(Boolean).length;
    expect(counted[index]!.windows).toEqual({
      train: windows('train'),
      validation: windows('validation'),
      test: windows('test'),
    });
    const places = own.map(({ split, place }) => SPLITS.indexOf(split) * 288 + place).sort((a, b) => a - b);
    const steps = places.slice(1).map((place, at) => place - places[at]!);
    expect(gaps[index]).toMatchObject({
      series,
      points: own.length,
      gaps: steps.filter((step) => step > 1).length,
      missing: steps.reduce((sum, step) => sum + step - 1, 0),
    });
  }
}

it('splits days without losing one, the newest to judge', () => {
  const share = fc.double({ min: 0.01, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 }), share, share, (count, holdOutShare, validationShare) => {
      const days = Array.from({ length: count }, (_, index) => addDays('2026-01-01', index));
      const { train, validation, test } = splitDays(days, { holdOutShare, validationShare });
      expect([...train, ...validation, ...test]).toEqual(days);
      expect(test.length).toBeGreaterThanOrEqual(1);
      expect(test.length).toBe(Math.min(count, Math.max(1, Math.round(count * holdOutShare))));
    }),
  );
});
