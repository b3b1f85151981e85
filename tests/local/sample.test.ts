import { Key } from '../../contracts/ids';
import { layDownSampleData } from '../../local/sample';
import { setStage, type Stage } from '../features/stage';
import { rowsOf } from '../series/support';

jest.setTimeout(60_000);

const END = '2026-03-31';
const SAMPLE = { customers: 50, days: 180 };

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
  await layDownSampleData(stage.store, { ...SAMPLE, endDate: END });
}, 120_000);
afterAll(() => stage?.tearDown());

const points = (day: string): string => `${Key.rawPartition('metrics', day)}part-0.parquet`;
const labels = async (): Promise<string[]> =>
  (await stage.store.list('labels/anomaly-detector/')).map(({ key }) => key);
const etagsOf = async (): Promise<Map<string, string>> =>
  new Map(
    [...(await stage.store.list('raw/')), ...(await stage.store.list('labels/'))].map(({ key, etag }) => [
      key,
      etag,
    ]),
  );

describe('the sample of metrics, laid down', () => {
  it('has points on every day, and incidents on some', async () => {
    expect(await stage.store.list('raw/metrics/')).toHaveLength(SAMPLE.days);
    const days = await labels();
    // Once in two days; the first and the last day may be halves of such two.
    expect(Math.abs(days.length - SAMPLE.days / 2)).toBeLessThanOrEqual(1);
    const incidents = await rowsOf<{ series: string; starts_at: Date; ends_at: Date }>(stage.store, days[0]!);
    expect(incidents).toHaveLength(1);
    const [{ series, starts_at, ends_at }] = incidents as [(typeof incidents)[0]];
    const day = starts_at.toISOString().slice(0, 10);
    expect(days[0]).toBe(`${Key.labelPartition('anomaly-detector', day)}part-0.parquet`);
    const [{ inside }] = (await rowsOf<{ inside: number }>(
      stage.store,
      points(day),
      `SELECT count(*) FILTER (series = '${series}' AND "time" BETWEEN '${starts_at.toISOString()}' AND '${ends_at.toISOString()}') AS inside`,
    )) as [{ inside: number }];
    expect(inside).toBe((ends_at.getTime() - starts_at.getTime()) / 300_000 + 1);
  });

  it('is laid down again as it was where a day is lost, and what people labelled stays', async () => {
    const before = await etagsOf();
    const [changed, lost] = (await labels()) as [string, string];
    const dayOf = (key: string): string => /dt=([\d-]+)/.exec(key)![1]!;
    await stage.store.put(changed, 'reviewed');
    await stage.store.delete(lost);
    for (const key of [changed, lost]) await stage.store.delete(points(dayOf(key)));
    const again = await layDownSampleData(stage.store, { ...SAMPLE, endDate: END });
    expect(again).toMatchObject({ days: { written: 2, kept: SAMPLE.days - 2 }, objects: 3 });
    expect((await stage.store.get(changed)).toString()).toBe('reviewed');
    const after = await etagsOf();
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect([...before].filter(([key, etag]) => after.get(key) !== etag).map(([key]) => key)).toEqual([
      changed,
    ]);
  });
});
