import { join } from 'node:path';
import * as fc from 'fast-check';
import { createFeatureActivities } from '../../activities/features';
import { addDays, endOfDay, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type OnlineStore } from '../../platform/online-store';
import { writePartition } from './offline-rows';
import { setStage, type Stage } from './stage';

const today = '2026-03-31';
const DAY_SECONDS = 86_400;
const joinKeys: FeatureView['entity']['joinKeys'] = [
  { name: 'seat', type: 'int32' },
  { name: 'customer_id', type: 'string' },
  { name: 'region', type: 'int64' },
];

jest.setTimeout(60_000);

let stage: Stage;
let online: OnlineStore;
let count = 0;
beforeAll(async () => {
  stage = await setStage();
  online = createOnlineStore(stage.redis, 'meridian');
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.redis.flushall());

const newView = (more: Partial<FeatureView> = {}): FeatureView => ({
  name: `withdrawn_${count++}`,
  version: 1,
  description: 'A number of the day.',
  owner: 'tests',
  entity: { name: 'place', joinKeys },
  ttlSeconds: 3 * DAY_SECONDS,
  features: [{ name: 'n', type: 'int64', checks: { min: 0 } }],
  sources: [],
  transformation: null,
  ...more,
});

const micros = (day: Day): bigint => BigInt(Date.parse(endOfDay(day))) * 1000n;
const CREATED = BigInt(Date.parse('2026-04-02T00:00:00Z')) * 1000n;
const entityOf = (customer_id: string) => ({ seat: -1n, customer_id, region: 2n ** 53n + 1n });

async function deliver(view: FeatureView, day: Day, customers: Record<string, number>): Promise<void> {
  const path = join(stage.folder, `${view.name}-${day}.parquet`);
  const rows = Object.entries(customers).map(([customer, n]) => ({
    keys: Object.values(entityOf(customer)),
    event: micros(day),
    created: CREATED,
    values: [BigInt(n)],
  }));
  await writePartition(path, view, rows);
  await stage.store.upload(path, `${Key.featurePartition(view, day)}part-0.parquet`);
}

const load = (view: FeatureView, asOf: Day) =>
  stage.run(createFeatureActivities(stage).materializeView, { view, asOf, runKey: `test/${asOf}` });

async function standing(view: FeatureView, ...customers: string[]): Promise<unknown[]> {
  const answers = await online.getOnlineFeaturesOfMany({
    views: [{ ...view, ttlSeconds: 0 }],
    features: [{ view: view.name, feature: 'n' }],
    entities: customers.map(entityOf),
  });
  return answers.map(([feature]) => feature!.value);
}

const compare = (view: FeatureView) =>
  stage.run(createFeatureActivities(stage).compareStores, { view, sample: 100, seed: 'a' });

describe('a partition that is delivered again without some of its entities', () => {
  it('takes them out, or puts their older row in place', async () => {
    const [view, beside] = [newView(), newView()];
    for (const one of [view, beside]) {
      await deliver(one, addDays(today, -1), { older: 1, stays: 1 });
      await deliver(one, today, { older: 2, gone: 2, stays: 2 });
      expect(await load(one, today)).toMatchObject({ entities: 3, removed: 0 });
    }
    await deliver(view, today, { stays: 3 });
    expect(await load(view, today)).toMatchObject({ entities: 2, removed: 2, written: 2 });
    expect(await standing(view, 'older', 'gone', 'stays')).toEqual([1, null, 3]);
    expect(await standing(beside, 'older', 'gone', 'stays')).toEqual([2, 2, 2]);
    expect(await compare(view)).toMatchObject({ score: 1, equal: 2 });
    expect(await load(view, today)).toMatchObject({ removed: 0, written: 0 });
  });

  it('leaves later rows alone, and rows created since the load began', async () => {
    const view = newView();
    await deliver(view, today, { stays: 1 });
    const row = { createdTimestamp: 0n, values: [9] };
    await online.write(view, [
      { ...row, entity: entityOf('later'), eventTimestamp: micros(today) + 1n },
      { ...row, entity: entityOf('early'), eventTimestamp: micros(today) },
      {
        ...row,
        entity: entityOf('just created'),
        eventTimestamp: micros(today),
        createdTimestamp: BigInt(Date.now() + 3_600_000) * 1000n,
      },
    ]);
    expect(await load(view, today)).toMatchObject({ removed: 1 });
    expect(await standing(view, 'later', 'early', 'just created', 'stays')).toEqual([9, null, 9, 1]);
  });

  it('leaves what was pushed alone where the view takes pushes, until it has expired', async () => {
    const view = newView({ push: true });
    await deliver(view, today, { stays: 1 });
    const row = { createdTimestamp: 0n, values: [9] };
    const expiry = micros(today) - 3n * 86_400_000_000n;
    await online.write(view, [
      { ...row, entity: entityOf('pushed'), eventTimestamp: expiry },
      { ...row, entity: entityOf('expired'), eventTimestamp: expiry - 1n },
    ]);
    expect(await load(view, today)).toMatchObject({ removed: 1 });
    expect(await standing(view, 'pushed', 'expired')).toEqual([9, null]);
  });

  it('takes nobody out whose partition is left out for failed checks, before their row has expired', async () => {
    const view = newView();
    await deliver(view, addDays(today, -1), { only_here: 1 });
    await deliver(view, today, { stays: 1 });
    await load(view, today);
    await deliver(view, addDays(today, -1), { only_here: -1 });
    expect(await load(view, today)).toMatchObject({ leftOut: [addDays(today, -1)], removed: 0 });
    expect(await standing(view, 'only_here', 'stays')).toEqual([1, 1]);
    await deliver(view, addDays(today, 3), { stays: 2 });
    expect(await load(view, addDays(today, 3))).toMatchObject({ removed: 1 });
    expect(await standing(view, 'only_here', 'stays')).toEqual([null, 2]);
  });

  it('is looked for in all days where values last for ever, by the next attempt', async () => {
    const view = newView({ ttlSeconds: 0, lookBackDays: 1 });
    await deliver(view, addDays(today, -30), { older: 1, old: 1 });
    await deliver(view, today, { older: 2, gone: 2, stays: 2 });
    await load(view, today);
    await deliver(view, today, { stays: 2 });
    await expect(load(view, today)).rejects.toMatchObject({
      code: 'Conflict',
      retryable: true,
      message: expect.stringContaining('2 entities'),
    });
    expect(await standing(view, 'older', 'gone')).toEqual([2, 2]);
    expect(await load(view, today)).toMatchObject({ removed: 2 });
    expect(await standing(view, 'older', 'old', 'gone', 'stays')).toEqual([1, 1, null, 2]);
    expect(await load(view, today)).toMatchObject({ removed: 0, written: 0 });
    expect(await standing(view, 'older', 'old')).toEqual([1, 1]);
  });
});

it('removes what a plain model removes', async () => {
  const [view, beside] = [newView(), newView()];
  const time = fc.bigInt({ min: -2n, max: 3n });
  const maybe = fc.option(time);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ event: maybe, created: time, offline: maybe }), { minLength: 1, maxLength: 5 }),
      fc.record({ until: time, createdBy: time, after: maybe }),
      async (entities, { until, createdBy, after }) => {
        await stage.redis.flushall();
        for (const one of [view, beside]) {
          const rows = entities.flatMap(({ event, created }, n) =>
            event === null
              ? []
              : [{ entity: entityOf(`${n}`), eventTimestamp: event, createdTimestamp: created, values: [n] }],
          );
          await online.write(one, rows);
        }
        const withdrawn = entities.map(
          ({ event, created, offline }) =>
            event !== null && event <= until && created <= createdBy && (offline === null || event > offline),
        );
        const counts = entities.map(
          ({ event, offline }, n) => withdrawn[n]! && offline === null && after !== null && event! > after,
        );
        const removes = entities.map(
          ({ offline }, n) => withdrawn[n]! && (offline !== null || after === null),
        );
        const states = entities.map(({ offline }, n) => ({ entity: entityOf(`${n}`), event: offline }));
        expect(
          await online.removeWithdrawn(view, states, { until, createdBy, after: after ?? undefined }),
        ).toEqual({ removed: removes.filter(Boolean).length, counted: counts.filter(Boolean).length });
        const names = entities.map((_, n) => `${n}`);
        expect(await standing(view, ...names)).toEqual(
          entities.map(({ event }, n) => (event === null || removes[n] ? null : n)),
        );
        expect(await standing(beside, ...names)).toEqual(
          entities.map(({ event }, n) => (event === null ? null : n)),
        );
      },
    ),
    { numRuns: 200 },
  );
});
