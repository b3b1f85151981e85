import * as fc from 'fast-check';
import { createBatchActivities } from '../../activities/batch';
import { anomaliesKey, batchManifestKey, type BatchManifest } from '../../contracts/batch';
import { addDays } from '../../contracts/days';
import { setStage, type Stage } from '../features/stage';
import { DAY_MS, dayOf, deliver, release, rowsOf, type Point } from './support';

jest.setTimeout(90_000);

const MODEL = 'anomaly-detector';
const STEPS = 4;
const EVERY = 300;

let stage: Stage;
let activities: ReturnType<typeof createBatchActivities>;
beforeAll(async () => {
  stage = await setStage();
  activities = createBatchActivities({ store: stage.store });
});
afterAll(() => stage?.tearDown());

interface Row {
  series: string;
  time: Date;
  value: number;
  score: number;
  anomalous: boolean;
  version: string;
}

const score = async (day: string, version = 'anomaly-detector-v1.0.0', table = 'metrics') => {
  const { served } = await stage.run(activities.findBatchScorer, { model: MODEL });
  expect(served.version).toBe(version);
  return stage.run(activities.scoreDay, { model: MODEL, served, table, day });
};

const tagOf = async (key: string) => (await stage.store.head(key))?.etag;

it('needs a version that was released', async () => {
  await expect(stage.run(activities.findBatchScorer, { model: 'nobody' })).rejects.toMatchObject({
    code: 'UnknownModel',
  });
});

describe('a day of points', () => {
  const day = '2026-03-10';
  const version = 'anomaly-detector-v1.0.0';
  const object = anomaliesKey(MODEL, day, version);
  const manifest = batchManifestKey(MODEL, day, version);

  beforeAll(async () => {
    await release(stage.store, version);
    const spike = (place: number) => (place === 100 ? 20 : 1);
    await deliver(
      stage.store,
      'metrics',
      addDays(day, -1),
      dayOf('latency', addDays(day, -1), EVERY, () => 1),
    );
    await deliver(stage.store, 'metrics', day, dayOf('latency', day, EVERY, spike));
    const strange = dayOf('brand-new', day, EVERY, () => 3).slice(0, 10);
    const late = dayOf('load', day, EVERY, () => 2).filter((_, place) => place >= 50 && place !== 60);
    await deliver(stage.store, 'metrics', day, [...strange, ...late], { object: 'part-1' });
  });

  it('is rehearsed by the candidate and by what serves alike', async () => {
    const { served } = await stage.run(activities.findBatchScorer, { model: MODEL });
    const rehearsal = await stage.run(activities.rehearse, {
      candidate: served,
      champion: served,
      table: 'metrics',
    });
    expect(rehearsal).toMatchObject({ day, candidate: { scored: 288 + 237 - 3 - 3 } });
    expect(rehearsal!.champion).toEqual(rehearsal!.candidate);
  });

  it('is scored: first windows reach into the day before, none over a gap; unknown series are named', async () => {
    const scored = await score(day);
    expect(scored).toMatchObject({
      day,
      points: 288 + 10 + 237,
      scored: 288 + 237 - 3 - 3,
      withoutWindow: 6,
      ofUnknownSeries: 10,
      unknownSeries: ['brand-new'],
      written: true,
    });
    const rows = await rowsOf<Row>(stage.store, object);
    expect(rows).toHaveLength(scored.scored);
    expect(rows.filter(({ anomalous }) => anomalous)).toHaveLength(scored.anomalous);
    const spike = rows.find(
      ({ series, time }) => series === 'latency' && time.getTime() % DAY_MS === 100 * EVERY * 1000,
    );
    expect(spike).toMatchObject({ value: 20, anomalous: true, version });
    expect(spike!.score).toBeGreaterThan(1);
    expect(rows[0]).toMatchObject({
      series: 'latency',
      time: new Date(`${day}T00:00:00Z`),
      anomalous: false,
    });
    expect((await stage.store.getJson<BatchManifest>(manifest)).object).toMatchObject({ key: object });
  });

  it('is left as it is where the same version has scored the same points', async () => {
    const before = [await stage.store.get(manifest), await stage.store.get(object)];
    expect(await score(day)).toMatchObject({ written: false });
    expect([await stage.store.get(manifest), await stage.store.get(object)]).toEqual(before);
  });

  it('is finished with the same bytes where a run was killed before its manifest', async () => {
    const [tag, body] = [await tagOf(object), await stage.store.get(object)];
    await stage.store.delete(manifest);
    expect(await score(day)).toMatchObject({ written: true });
    expect(await tagOf(object)).toBe(tag);
    expect(await stage.store.get(object)).toEqual(body);
    expect(await tagOf(manifest)).toBeDefined();
  });

  it('is scored again, in the place of what stood there, where its points were corrected', async () => {
    await deliver(
      stage.store,
      'metrics',
      day,
      dayOf('latency', day, EVERY, () => 1),
    );
    expect(await score(day)).toMatchObject({ written: true, points: 535 });
    const rows = await rowsOf<Row>(stage.store, object);
    expect(rows.filter(({ series, anomalous }) => series === 'latency' && anomalous)).toEqual([]);
  });

  it('has an object of its own for another version, and the one before stays', async () => {
    const tag = await tagOf(object);
    const next = 'anomaly-detector-v1.1.0';
    await release(stage.store, next);
    expect(await score(day, next)).toMatchObject({ written: true });
    expect(await tagOf(object)).toBe(tag);
    expect(
      new Set((await rowsOf<Row>(stage.store, anomaliesKey(MODEL, day, next))).map((row) => row.version)),
    ).toEqual(new Set([next]));
  });

  it('that is not there is missing, and one that is no Parquet is named', async () => {
    await expect(score('2026-04-01', 'anomaly-detector-v1.1.0')).rejects.toMatchObject({
      code: 'MissingObject',
      message: expect.stringContaining('raw/metrics/dt=2026-04-01/'),
    });
    await stage.store.put('raw/metrics/dt=2026-04-02/part-0.parquet', 'no Parquet');
    await expect(score('2026-04-02', 'anomaly-detector-v1.1.0')).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining('raw/metrics/dt=2026-04-02/part-0.parquet'),
    });
    expect(await stage.store.list(`anomalies/${MODEL}/dt=2026-04-02/`)).toEqual([]);
  });
});

it('gives a row to just those points that have a whole window behind them', async () => {
  const [before, day] = ['2026-05-01', '2026-05-02'];
  const places = fc.uniqueArray(fc.integer({ min: 270, max: 310 }), { minLength: 1, maxLength: 41 });
  let n = 0;
  await fc.assert(
    fc.asyncProperty(places, async (missing) => {
      const table = `metrics-${(n += 1)}`;
      const all: Point[] = [
        ...dayOf('load', before, EVERY, (p) => p),
        ...dayOf('load', day, EVERY, (p) => p),
      ];
      const kept = all.map((point, place) => (missing.includes(place) ? null : point));
      const ofDay = (from: number, to: number) => kept.slice(from, to).filter((point) => point !== null);
      await deliver(stage.store, table, before, ofDay(0, 288));
      await deliver(stage.store, table, day, ofDay(288, 576));
      await score(day, 'anomaly-detector-v1.1.0', table);
      const rows = await rowsOf<Row>(stage.store, anomaliesKey(MODEL, day, 'anomaly-detector-v1.1.0'));
      const expected = kept.flatMap((point, place) => {
        const window = kept.slice(place - STEPS + 1, place + 1);
        return place >= 288 && window.every((one) => one !== null) ? [point!.time] : [];
      });
      expect(rows.map(({ time }) => time.toISOString())).toEqual(expected);
    }),
    { numRuns: 8 },
  );
});
