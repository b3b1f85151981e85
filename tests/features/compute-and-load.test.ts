import { join } from 'node:path';
import { createFeatureActivities, type Watermark } from '../../activities/features';
import { addDays } from '../../contracts/days';
import { customerAccount, customerUsage, featureViews } from '../../features';
import { layDownSampleData } from '../../local/sample';
import { readParquetAsArrow } from '../../platform/arrow';
import { createOnlineStore } from '../../platform/online-store';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
jest.setTimeout(60_000);

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
}, 120_000);
afterAll(() => stage?.tearDown());

const rawObject = (table: string, on: string) => `raw/${table}/dt=${on}/part-0.parquet`;
const partitionsOf = async (view: string) =>
  (await stage.store.list(`features/${view}/`)).map(({ key }) => key);

describe('the sample', () => {
  it('is the same again, and a later end only adds days', async () => {
    const before = await stage.store.list('raw/');
    const again = await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
    expect(again).toMatchObject({ days: { written: 0, kept: 180 }, objects: 0 });

    const accounts = rawObject('accounts', day);
    const etag = (await stage.store.head(accounts))!.etag;
    await stage.store.delete(accounts);
    const next = addDays(day, 1);
    const more = await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: next });
    expect(more.days).toEqual({ written: 2, kept: 178 });
    expect((await stage.store.head(accounts))!.etag).toBe(etag);
    const after = new Map((await stage.store.list('raw/')).map((object) => [object.key, object.etag]));
    for (const object of before) expect(after.get(object.key)).toBe(object.etag);
  });
});

describe('computing features', () => {
  const activities = () => createFeatureActivities(stage);

  it('writes a partition a day, once', async () => {
    const { computeFeatures } = activities();
    const days = [addDays(day, -1), day];
    const first = await stage.run(computeFeatures, { view: customerAccount, days });
    expect(first.partitions.map(({ day: on, computed }) => [on, computed])).toEqual(
      days.map((on) => [on, true]),
    );
    const etag = (await stage.store.head(first.partitions[1]!.key))!.etag;
    const second = await stage.run(computeFeatures, { view: customerAccount, days });
    expect(second).toEqual({
      partitions: first.partitions.map((one) => ({ ...one, computed: false, checks: 0 })),
      absent: [],
      notes: [],
    });
    expect((await stage.store.head(first.partitions[1]!.key))!.etag).toBe(etag);
  });

  it('passes over the days on which a delivered view was not delivered', async () => {
    const { computeFeatures, materializeView } = activities();
    const view = {
      ...customerAccount,
      name: 'delivered_account',
      sources: [],
      transformation: null,
      ttlSeconds: 0,
    };
    const { partitions } = await stage.run(computeFeatures, { view: customerAccount, days: [day] });
    const delivered = `features/${view.name}/dt=${day}/part-0.parquet`;
    await stage.store.put(delivered, await stage.store.get(partitions[0]!.key));

    const later = addDays(day, 40);
    const found = await stage.run(computeFeatures, { view, days: [day, later], scope: 'all' });
    expect(found).toMatchObject({
      partitions: [{ day, key: delivered, rows: partitions[0]!.rows, computed: false }],
      absent: [later],
    });
    const loaded = await stage.run(materializeView, { view, asOf: later, runKey: 'later' });
    expect(loaded).toMatchObject({ entities: partitions[0]!.rows, watermark: later });
  });

  it('does not see the days after the one it computes', async () => {
    const { computeFeatures } = activities();
    const on = addDays(day, -40);
    const { partitions } = await stage.run(computeFeatures, { view: customerUsage, days: [on] });
    const before = await contentOf(partitions[0]!.key);
    const later = rawObject('usage', addDays(on, 1));
    const kept = await stage.store.get(later);
    await stage.store.delete(later);
    await stage.run(computeFeatures, { view: customerUsage, days: [on], scope: 'all' });
    await stage.store.put(later, kept);
    expect(await contentOf(partitions[0]!.key)).toEqual(before);
  });

  it.each([
    ['missing', 'MissingObject', async (key: string) => stage.store.delete(key)],
    ['cut short', 'CorruptObject', async (key: string) => cutShort(key)],
    [
      'no Parquet at all',
      'CorruptObject',
      async (key: string) => stage.store.put(key, 'customer_id,sessions\n'),
    ],
  ])('names a raw object that is %s, and writes nothing', async (_how, code, spoil) => {
    const on = addDays(day, -3);
    const key = rawObject('usage', addDays(on, -10));
    const kept = await stage.store.get(key);
    await spoil(key);
    try {
      const before = await partitionsOf('customer_usage');
      await expect(
        stage.run(activities().computeFeatures, { view: customerUsage, days: [on] }),
      ).rejects.toMatchObject({ code, message: expect.stringContaining(`dt=${addDays(on, -10)}`) });
      expect(await partitionsOf('customer_usage')).toEqual(before);
    } finally {
      await stage.store.put(key, kept);
    }
  });

  it('blocks rows that break a declared check, counts them and gives examples', async () => {
    const strict = {
      ...customerAccount,
      name: 'strict_account',
      features: customerAccount.features.map((feature) =>
        feature.name === 'plan'
          ? { ...feature, checks: { categories: ['starter', 'team', 'business'] } }
          : feature,
      ),
    };
    const failure: unknown = await stage
      .run(activities().computeFeatures, { view: strict, days: [day] })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(
        /^features\/strict_account dt=2026-03-31: \d+ of \d+ rows have a plan that is none of starter, team, business \(allowed: 0\), for example C\d+/,
      ),
    });
    expect(await partitionsOf('strict_account')).toEqual([]);
  });

  it('blocks repeated entities and SQL that gives other columns', async () => {
    const twice = {
      ...customerAccount,
      name: 'twice',
      transformation: `${customerAccount.transformation} UNION ALL ${customerAccount.transformation}`,
    };
    await expect(stage.run(activities().computeFeatures, { view: twice, days: [day] })).rejects.toMatchObject(
      { code: 'DataQualityBreach', message: expect.stringContaining('repeat the customer_id') },
    );
    const fewer = { ...customerAccount, name: 'fewer', transformation: 'SELECT customer_id FROM accounts' };
    await expect(stage.run(activities().computeFeatures, { view: fewer, days: [day] })).rejects.toMatchObject(
      { code: 'DataQualityBreach', message: expect.stringContaining('lacks plan') },
    );
    const broken = {
      ...customerAccount,
      name: 'broken',
      transformation: 'SELECT no_such_column FROM accounts',
    };
    await expect(
      stage.run(activities().computeFeatures, { view: broken, days: [day] }),
    ).rejects.toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('no_such_column') });
  });
});

describe('loading the online store', () => {
  it('loads once, skips what stands, and never moves the watermark back', async () => {
    const { computeFeatures, materializeView } = createFeatureActivities(stage);
    const view = featureViews[2]!;
    await stage.run(computeFeatures, { view, days: [addDays(day, -1), day] });
    const first = await stage.run(materializeView, { view, asOf: day, runKey: 'one' });
    expect(first).toMatchObject({ skipped: 0, verified: 100, watermark: day });
    const second = await stage.run(materializeView, { view, asOf: day, runKey: 'two' });
    expect(second).toMatchObject({ entities: first.entities, written: 0, skipped: first.entities });
    const older = await stage.run(materializeView, { view, asOf: addDays(day, -1), runKey: 'three' });
    expect(older).toMatchObject({ written: 0, watermark: day });
    const watermark = await stage.store.getJson<Watermark>(`features/${view.name}/_watermark.json`);
    expect(watermark).toMatchObject({ asOf: day, runKey: 'three', newestEvent: '2026-04-01T00:00:00.000Z' });
  });

  it('says which partitions it looked for where there are none', async () => {
    const view = { ...customerAccount, name: 'never_computed' };
    await expect(
      stage.run(createFeatureActivities(stage).materializeView, { view, asOf: day, runKey: 'one' }),
    ).rejects.toMatchObject({
      code: 'MissingObject',
      message: expect.stringContaining('2026-03-28 to 2026-03-31'),
    });
  });

  it('answers by the views of each request', async () => {
    const [, , view] = featureViews;
    const features = [{ view: view!.name, feature: 'invoices_60d' }];
    const yearsLater = createOnlineStore(stage.redis, 'meridian', () => Date.parse('2036-04-01T12:00:00Z'));
    const entity = { customer_id: await someCustomer() };
    const statusBy = async (ttlSeconds: number) => {
      const views = [{ ...view!, ttlSeconds }];
      const [found] = await yearsLater.getOnlineFeatures({ views, features, entity });
      return found!.status;
    };
    expect([await statusBy(86_400), await statusBy(0), await statusBy(86_400)]).toEqual([
      'OUTSIDE_MAX_AGE',
      'PRESENT',
      'OUTSIDE_MAX_AGE',
    ]);
  });

  it('answers for every customer loaded', async () => {
    const view = featureViews[2]!;
    const [found] = await createOnlineStore(stage.redis, 'meridian', () =>
      Date.parse('2026-04-01T12:00:00Z'),
    ).getOnlineFeatures({
      views: [view],
      features: [{ view: view.name, feature: 'invoices_60d' }],
      entity: { customer_id: await someCustomer() },
    });
    expect(found).toMatchObject({ status: 'PRESENT', value: expect.any(Number) });
  });
});

/** A partition's columns, but for the time of its creation. */
async function contentOf(key: string): Promise<Record<string, unknown[]>> {
  const path = join(stage.folder, 'content.parquet');
  await stage.store.download(key, path);
  const table = await readParquetAsArrow(path);
  return Object.fromEntries(
    table.schema.fields
      .filter(({ name }) => name !== 'created_timestamp')
      .map(({ name }) => [name, [...table.getChild(name)!]]),
  );
}

async function cutShort(key: string): Promise<void> {
  const body = await stage.store.get(key);
  await stage.store.put(key, body.subarray(0, body.length - 20));
}

async function someCustomer(): Promise<string> {
  const [key] = await stage.redis.scanBuffer('0', 'COUNT', 1000).then(([, keys]) => keys);
  return /C\d{6}/.exec(key!.toString('latin1'))![0];
}
