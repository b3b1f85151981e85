import { DAY_MS, dayToEpochMs } from '../../contracts/days';
import { anomalyDetector } from '../../models/anomaly-detector/model';
import { withDatabase, type Database, type PlainRow } from '../../platform/duckdb';
import { macros } from './customers';
import { INCIDENTS, METRICS, metricMacros } from './metrics';

const FIRST = 2_300;
const DAYS = 56;
const SPAN = { first: FIRST, last: FIRST + DAYS - 1 };

interface Incident extends PlainRow {
  series: string;
  starts_at: Date;
  ends_at: Date;
}

const dayNumber = (time: Date): number => Math.floor((time.getTime() - dayToEpochMs('2020-01-01')) / DAY_MS);

/** Lays the points of that span down as the table `points`, and its incidents as `incidents`. */
async function withSample(
  use: (database: Database) => Promise<void>,
  span = SPAN,
  seed = 20_260_101,
): Promise<void> {
  await withDatabase(async (database) => {
    for (const macro of [...macros(seed), ...metricMacros()]) await database.execute(macro);
    await database.execute(`CREATE TABLE points AS ${METRICS}`, span);
    await database.execute(`CREATE TABLE incidents AS ${INCIDENTS}`, span);
    await use(database);
  });
}

/** A fingerprint of what is in the days from `first` to `last`. */
const contentOf = (database: Database, { first, last }: typeof SPAN): Promise<PlainRow[]> =>
  database.rows(
    `SELECT 'points' AS what, count(*) AS rows, bit_xor(hash(series, "time", value)) AS content
     FROM points WHERE dt - DATE '2020-01-01' BETWEEN $first AND $last
     UNION ALL SELECT 'incidents', count(*), bit_xor(hash(series, starts_at, ends_at))
     FROM incidents WHERE dt - DATE '2020-01-01' BETWEEN $first AND $last`,
    { first, last },
  );

describe('the sample of metrics', () => {
  it('has a point of every series at each declared distance, in the partition of its day', () =>
    withSample(async (database) => {
      const { everySeconds } = anomalyDetector.series;
      const rows = await database.rows(
        `SELECT series, count(*) AS points, count(DISTINCT "time") AS times, min(value) > 0 AS positive,
           count(*) FILTER (epoch("time") % ${everySeconds} <> 0 OR CAST("time" AS DATE) <> dt) AS astray
         FROM points GROUP BY series`,
      );
      expect(rows.length).toBeGreaterThan(3);
      const points = (DAYS * 86_400) / everySeconds;
      for (const row of rows) expect(row).toMatchObject({ points, times: points, positive: true, astray: 0 });
    }));

  it('has the same in a day, whichever days are asked for, and other things by another seed', async () => {
    const part = { first: FIRST + 11, last: FIRST + 14 };
    const contents: PlainRow[][] = [];
    const take = async (database: Database): Promise<void> => {
      contents.push(await contentOf(database, part));
    };
    await withSample(take);
    await withSample(take, part);
    await withSample(take, part, 7);
    const [whole, alone, other] = contents;
    expect(alone).toEqual(whole);
    expect(alone!.map(({ rows }) => rows)).not.toContain(0);
    expect(other![0]!['content']).not.toBe(alone![0]!['content']);
  });

  it('has a rhythm of days and of weeks that tells more of a point than its series alone', () =>
    withSample(async (database) => {
      const rows = await database.rows<{ series: string; daily: number; weekly: number }>(
        `WITH logs AS (SELECT series, "time", ln(value) AS log FROM points)
         SELECT series, corr(now.log, day.log) AS daily, corr(now.log, week.log) AS weekly
         FROM logs AS now
         JOIN (SELECT series, "time" + INTERVAL 1 DAY AS "time", log FROM logs) AS day USING (series, "time")
         JOIN (SELECT series, "time" + INTERVAL 7 DAY AS "time", log FROM logs) AS week USING (series, "time")
         GROUP BY series`,
      );
      for (const { daily, weekly } of rows) {
        expect(weekly).toBeGreaterThan(0.6);
        expect(weekly).toBeGreaterThan(daily);
      }
    }));

  it('goes wrong once in two days: in one series, for half an hour to an hour of one day', () =>
    withSample(async (database) => {
      const incidents = await database.rows<Incident>('SELECT * EXCLUDE (dt) FROM incidents');
      const stretches = incidents.map(({ starts_at }) => Math.floor(dayNumber(starts_at) / 2));
      const wanted = Array.from({ length: DAYS / 2 }, (_, index) => FIRST / 2 + index);
      expect(new Set(stretches)).toEqual(new Set(wanted));
      expect(incidents).toHaveLength(wanted.length);
      for (const { starts_at, ends_at } of incidents) {
        const points = (ends_at.getTime() - starts_at.getTime()) / 300_000 + 1;
        expect(points).toBeGreaterThanOrEqual(6);
        expect(points).toBeLessThanOrEqual(12);
        expect(dayNumber(starts_at)).toBe(dayNumber(ends_at));
      }
      expect(new Set(incidents.map(({ series }) => series)).size).toBeGreaterThan(3);
    }));

  it('leaves the usual in incidents, and nowhere else', () =>
    withSample(async (database) => {
      // What is usual: the median of the same minute of the same day of other weeks.
      const { inside, caught, outside, raised } = await database.row<Record<string, number>>(
        `WITH usual AS (
           SELECT *, median(value) OVER (PARTITION BY series, dayofweek("time"), epoch("time") % 86400) AS median FROM points
         ), judged AS (
           SELECT value / median NOT BETWEEN 0.6 AND 1.6 AS odd,
             EXISTS (FROM incidents AS i WHERE i.series = usual.series AND usual."time" BETWEEN starts_at AND ends_at)
               AS wrong
           FROM usual
         )
         SELECT count(*) FILTER (wrong) AS inside, count(*) FILTER (wrong AND odd) AS caught,
           count(*) FILTER (NOT wrong) AS outside, count(*) FILTER (NOT wrong AND odd) AS raised FROM judged`,
      );
      expect(caught! / inside!).toBeGreaterThan(0.95);
      expect(raised! / outside!).toBeLessThan(0.001);
    }));
});
