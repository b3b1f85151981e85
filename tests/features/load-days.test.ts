import { join } from 'node:path';
import { createFeatureActivities } from '../../activities/features';
import { readWatermark } from '../../activities/features/watermark';
import { addDays, endOfDay, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore } from '../../platform/online-store';
import { writePartition } from './offline-rows';
import { setStage, type Stage } from './stage';

const today = '2026-03-31';
const DAY_SECONDS = 86_400;

jest.setTimeout(60_000);

let stage: Stage;
let count = 0;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.redis.flushall());

/** A view that nobody has loaded yet. */
const newView = (more: Partial<FeatureView> = {}): FeatureView => ({
  name: `days_${count++}`,
  version: 1,
  description: 'A number of the day.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 2 * DAY_SECONDS,
  features: [{ name: 'n', type: 'int64' }],
  sources: [],
  transformation: null,
  ...more,
});

const micros = (day: Day): bigint => BigInt(Date.parse(endOfDay(day))) * 1000n;

/** Delivers a partition in which each customer has one row, at the day's end. */
async function deliver(view: FeatureView, day: Day, customers: Record<string, number>): Promise<void> {
  const path = join(stage.folder, `${view.name}-${day}.parquet`);
  const rows = Object.entries(customers).map(([customer, n]) => ({
    keys: [customer],
    event: micros(day),
    created: BigInt(Date.now()) * 1000n,
    values: [BigInt(n)],
  }));
  await writePartition(path, view, rows);
  await stage.store.upload(path, `${Key.featurePartition(view, day)}part-0.parquet`);
}

const load = (view: FeatureView, asOf: Day) =>
  stage.run(createFeatureActivities(stage).materializeView, { view, asOf, runKey: `test/${asOf}` });

async function online(view: FeatureView, ...customers: string[]): Promise<unknown[]> {
  const answers = await createOnlineStore(stage.redis, 'meridian').getOnlineFeaturesOfMany({
    views: [{ ...view, ttlSeconds: 0 }],
    features: [{ view: view.name, feature: 'n' }],
    entities: customers.map((customer_id) => ({ customer_id })),
  });
  return answers.map(([feature]) => feature!.value);
}

describe('a view with a ttl', () => {
  it('loses who has vanished once their last row is too old, not before; other views keep theirs', async () => {
    const view = newView({ push: true });
    const other = newView();
    await deliver(view, addDays(today, -3), { gone: 1, back: 1, pushed: 1, stays: 1 });
    await deliver(other, addDays(today, -3), { gone: 7 });
    await load(other, addDays(today, -3));
    await load(view, addDays(today, -3));
    for (const day of [addDays(today, -2), addDays(today, -1)]) await deliver(view, day, { stays: 2 });
    expect(await load(view, addDays(today, -1))).toMatchObject({ removed: 0 });
    expect(await online(view, 'gone', 'back')).toEqual([1, 1]);

    await deliver(view, today, { stays: 3, back: 3 });
    const row = { entity: { customer_id: 'pushed' }, createdTimestamp: 0n, values: [9] };
    await createOnlineStore(stage.redis, 'meridian').write(view, [{ ...row, eventTimestamp: micros(today) }]);
    expect(await load(view, today)).toMatchObject({ entities: 2, removed: 1, watermark: today });
    expect(await online(view, 'gone', 'back', 'pushed', 'stays')).toEqual([null, 3, 9, 3]);
    expect(await online(other, 'gone')).toEqual([7]);
  });

  it('loses them also where no load ran for longer than the ttl', async () => {
    const view = newView();
    await deliver(view, addDays(today, -9), { gone: 1, stays: 1 });
    await load(view, addDays(today, -9));
    await deliver(view, today, { stays: 2 });
    expect(await load(view, today)).toMatchObject({ removed: 1 });
    expect(await online(view, 'gone', 'stays')).toEqual([null, 2]);
  });

  it('catches rows that came late, as long as they are alive', async () => {
    const view = newView();
    await deliver(view, today, { a: 2 });
    await load(view, today);
    await deliver(view, addDays(today, -1), { a: 1, late: 1 });
    await deliver(view, addDays(today, -3), { dead: 1 });
    expect(await load(view, today)).toMatchObject({ entities: 2, written: 1, skipped: 1 });
    expect(await online(view, 'a', 'late', 'dead')).toEqual([2, 1, null]);
  });
});

describe('partitions that others deliver', () => {
  const checked = (more: Partial<FeatureView> = {}): FeatureView =>
    newView({ features: [{ name: 'n', type: 'int64', checks: { min: 0 } }], ...more });

  it('are checked before they are loaded; one that does not pass is left out, and told', async () => {
    const view = checked({ ttlSeconds: 20 * DAY_SECONDS });
    await deliver(view, addDays(today, -9), { early: 1 });
    await deliver(view, addDays(today, -5), { early: 2, bad: -1 });
    await deliver(view, today, { late: 1 });
    const leftOut = [addDays(today, -5)];
    expect(await load(view, today)).toMatchObject({ entities: 2, leftOut, watermark: today });
    expect(await online(view, 'early', 'bad', 'late')).toEqual([1, null, 1]);
    expect(await load(view, today)).toMatchObject({ leftOut });

    await deliver(view, addDays(today, -5), { early: 2, bad: 1 });
    expect(await load(view, today)).toMatchObject({ entities: 3, leftOut: [] });
    expect(await online(view, 'early', 'bad', 'late')).toEqual([2, 1, 1]);
  });

  it('are checked again where they were replaced after their check', async () => {
    const view = checked();
    await deliver(view, addDays(today, -1), { a: 1 });
    await deliver(view, today, { b: 1 });
    expect(await load(view, today)).toMatchObject({ entities: 2, leftOut: [] });
    await deliver(view, addDays(today, -1), { a: -1 });
    expect(await load(view, today)).toMatchObject({ leftOut: [addDays(today, -1)] });
  });

  it('stop the load where the newest does not pass', async () => {
    const view = checked();
    await deliver(view, addDays(today, -1), { a: 1 });
    await load(view, addDays(today, -1));
    await deliver(view, today, { a: 2, b: -1 });
    await expect(load(view, today)).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining(`dt=${today}`),
    });
    expect(await readWatermark(stage.store, view)).toMatchObject({ asOf: addDays(today, -1) });
    expect(await online(view, 'a', 'b')).toEqual([1, null]);
  });
});

describe('a back-fill of the past', () => {
  it('leaves online what stands there, and brings nobody back who has gone', async () => {
    const view = newView();
    await deliver(view, today, { stays: 3 });
    await load(view, today);
    for (const day of [addDays(today, -30), addDays(today, -29)])
      await deliver(view, day, { gone: 1, stays: 1 });
    expect(await load(view, addDays(today, -29))).toMatchObject({
      entities: 1,
      watermark: today,
    });
    expect(await online(view, 'gone', 'stays')).toEqual([null, 3]);
  });

  it('is loaded where values last for ever, and nothing newer is there', async () => {
    const view = newView({ ttlSeconds: 0, lookBackDays: 1 });
    await deliver(view, today, { stays: 3 });
    await load(view, today);
    await deliver(view, addDays(today, -30), { old: 1, stays: 1 });
    expect(await load(view, addDays(today, -30))).toMatchObject({ entities: 2, watermark: today });
    expect(await online(view, 'old', 'stays')).toEqual([1, 3]);
  });
});

describe('a view without a ttl', () => {
  it('reads everything once, then only what came since, with the look-back', async () => {
    const view = newView({ ttlSeconds: 0, lookBackDays: 2 });
    await deliver(view, addDays(today, -300), { old: 1 });
    await deliver(view, addDays(today, -1), { a: 1 });
    expect(await load(view, addDays(today, -1))).toMatchObject({ entities: 2, written: 2 });

    await deliver(view, today, { a: 2 });
    await deliver(view, addDays(today, -3), { late: 1 });
    await deliver(view, addDays(today, -4), { tooLate: 1 });
    expect(await load(view, today)).toMatchObject({ entities: 2, written: 2, removed: 0 });
    // Nobody vanishes: what is unlimited stays.
    expect(await online(view, 'old', 'a', 'late', 'tooLate')).toEqual([1, 2, 1, null]);
  });
});

it('reads no opted-out entity, whenever they asked, and reads each version of a view from its own place', async () => {
  const first = newView({ ttlSeconds: 0 });
  const second = { ...first, version: 2 };
  await deliver(first, today, { a: 1, out: 1 });
  await deliver(second, today, { a: 2, out: 2 });
  const path = join(stage.folder, 'opt-outs.parquet');
  const list = newView({ features: [{ name: 'reason', type: 'string' }] });
  await writePartition(path, list, [{ keys: ['out'], event: 0n, created: 0n, values: [''] }]);
  // They asked after the day that is loaded.
  await stage.store.upload(path, `${Key.rawPartition('opt-outs', addDays(today, 5))}part-0.parquet`);
  for (const view of [first, second]) {
    expect(await load(view, today)).toMatchObject({ entities: 1, written: 1 });
    expect(await online(view, 'a', 'out')).toEqual([view.version, null]);
  }
  expect(await online(first, 'a')).toEqual([1]);
});

it('says what is missing where there is nothing to load', async () => {
  const view = newView();
  await deliver(view, addDays(today, -3), { a: 1 });
  await expect(load(view, today)).rejects.toMatchObject({
    code: 'MissingObject',
    message: expect.stringContaining('from 2026-03-29 to 2026-03-31'),
  });
});
