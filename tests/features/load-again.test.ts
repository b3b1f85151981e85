import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeatureActivities, type MaterializeHeartbeat } from '../../activities/features';
import { readWatermark } from '../../activities/features/watermark';
import { publishFeatureView } from '../../client/feature-views';
import { addDays, endOfDay, type Day } from '../../contracts/days';
import type { MaterializedView } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type StoredValue } from '../../platform/online-store';
import { writePartition } from './offline-rows';
import { setStage, type Stage } from './stage';

const today = '2026-03-31';

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
  name: `again_${count++}`,
  version: 1,
  description: 'A number of the day.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 0,
  lookBackDays: 1,
  features: [{ name: 'n', type: 'int64' }],
  sources: [],
  transformation: null,
  ...more,
});

async function deliver(view: FeatureView, day: Day, customers: Record<string, StoredValue[]>): Promise<void> {
  const path = join(stage.folder, `${view.name}-${day}.parquet`);
  const end = BigInt(Date.parse(endOfDay(day))) * 1000n;
  const rows = Object.entries(customers).map(([customer, values]) => ({
    keys: [customer],
    event: end,
    created: end,
    values,
  }));
  await writePartition(path, view, rows);
  await stage.store.upload(path, `${Key.featurePartition(view, day)}part-0.parquet`);
}

function load(
  view: FeatureView,
  asOf: Day = today,
  onHeartbeat?: (told: MaterializeHeartbeat) => void,
): Promise<MaterializedView> {
  const environment = new MockActivityEnvironment();
  if (onHeartbeat) environment.on('heartbeat', onHeartbeat);
  const input = { view, asOf, runKey: `test/${asOf}` };
  return environment.run(createFeatureActivities(stage).materializeView, input);
}

async function online(view: FeatureView, ...customers: string[]): Promise<unknown[][]> {
  const answers = await createOnlineStore(stage.redis, 'meridian').getOnlineFeaturesOfMany({
    views: [{ ...view, ttlSeconds: 0 }],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
    entities: customers.map((customer_id) => ({ customer_id })),
  });
  return answers.map((features) => features.map(({ value }) => value));
}

describe('a view without a ttl is loaded as a whole again', () => {
  let view: FeatureView;
  beforeEach(async () => {
    view = newView();
    await deliver(view, addDays(today, -100), { old: [1n] });
    await deliver(view, addDays(today, -1), { recent: [2n] });
    await load(view, addDays(today, -1));
    await deliver(view, today, { new: [3n] });
  });
  const everyone = () => online(view, 'old', 'recent', 'new');

  it('not where everything stands', async () => {
    expect(await load(view)).toMatchObject({ entities: 2 });
    expect(await load(view)).toMatchObject({ entities: 2, written: 0 });
    expect(await everyone()).toEqual([[1], [2], [3]]);
  });

  it('after Redis was emptied, and only once', async () => {
    await stage.redis.flushall();
    expect(await load(view)).toMatchObject({ entities: 3, written: 3 });
    expect(await everyone()).toEqual([[1], [2], [3]]);
    expect(await load(view)).toMatchObject({ entities: 2 });
  });

  it('after Redis was restored from a copy of a load before', async () => {
    const copy = await Promise.all(
      (await stage.redis.keysBuffer('*')).map(
        async (key) => [key, await stage.redis.dumpBuffer(key)] as const,
      ),
    );
    await deliver(view, addDays(today, -30), { late: [4n] });
    await load(view);
    await stage.redis.flushall();
    for (const [key, value] of copy) await stage.redis.restore(key, 0, value);
    expect(await load(view)).toMatchObject({ entities: 4, written: 2, skipped: 2 });
    expect(await online(view, 'late')).toEqual([[4]]);
  });

  it('after Redis was emptied while it was loaded: that load moves no watermark', async () => {
    let emptied: Promise<unknown> | undefined;
    const failed = load(view, today, ({ phase }) => {
      if (phase === 'writing') emptied ??= stage.redis.flushall();
    });
    await expect(failed).rejects.toMatchObject({ code: 'DependencyUnavailable', retryable: true });
    await emptied;
    expect(await readWatermark(stage.store, view)).toMatchObject({ asOf: addDays(today, -1) });
    await load(view);
    expect(await everyone()).toEqual([[1], [2], [3]]);
  });

  it('also by a back-fill of the past', async () => {
    await load(view);
    await stage.redis.flushall();
    expect(await load(view, addDays(today, -50))).toMatchObject({ entities: 3, watermark: today });
    expect(await everyone()).toEqual([[1], [2], [3]]);
  });
});

it('tells its phases, the removal as well', async () => {
  const view = newView({ ttlSeconds: 2 * 86_400 });
  await deliver(view, addDays(today, -3), { gone: [1n] });
  await load(view, addDays(today, -3));
  await deliver(view, today, { a: [1n] });
  const phases = new Set<string>();
  expect(await load(view, today, ({ phase }) => phases.add(phase))).toMatchObject({ removed: 1 });
  expect(phases).toEqual(new Set(['reading', 'writing', 'verifying', 'removing']));
});

it('loads a view as it is published, not as it was when the run began', async () => {
  const narrow = newView();
  const wide = { ...narrow, features: [...narrow.features, { name: 'm', type: 'int64' as const }] };
  await publishFeatureView(stage.store, narrow);
  await deliver(wide, today, { a: [1n, 2n] });
  expect(await load(narrow)).toMatchObject({ written: 1 });
  await publishFeatureView(stage.store, wide);
  expect(await load(narrow)).toMatchObject({ written: 1, verified: 1 });
  expect(await online(wide, 'a')).toEqual([[1, 2]]);
});
