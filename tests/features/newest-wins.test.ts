import * as fc from 'fast-check';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type OnlineRow } from '../../platform/online-store';
import { encodeEntityKey } from '../../platform/online-store/entity-key';
import { featureField, timestampField } from '../../platform/online-store/fields';
import { encodeTimestamp } from '../../platform/online-store/timestamp';
import { encodeValue } from '../../platform/online-store/value';
import { createRedis } from '../../platform/redis';
import { setStage, type Stage } from './stage';

const view: FeatureView = {
  name: 'balance',
  version: 1,
  description: 'A value with its time.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 0,
  features: [{ name: 'amount', type: 'int64' }],
  sources: [],
  transformation: null,
};
const request = { views: [view], features: [{ view: 'balance', feature: 'amount' }] };

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.redis.flushall());

interface Write {
  customer: number;
  event: bigint;
  created: bigint;
  amount: number;
}
const row = ({ customer, event, created, amount }: Write): OnlineRow => ({
  entity: { customer_id: `C${customer}` },
  eventTimestamp: event,
  createdTimestamp: created,
  values: [amount],
});
// Few different times, so that ties are common; before 1970 and fractions of a second among them.
const time = fc.constantFrom(-1_500_000n, -1n, 0n, 1n, 999_999n, 1_000_000n, 1_772_368_496_789_012n);
const write: fc.Arbitrary<Write> = fc.record({
  customer: fc.integer({ min: 1, max: 3 }),
  event: time,
  created: time,
  amount: fc.integer(),
});

it('keeps what a plain model of newest-wins keeps, in any order and by any number of writers', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(write, { maxLength: 12 }), { maxLength: 4 }), async (batches) => {
      await stage.redis.flushall();
      const results = await Promise.all(batches.map((batch) => online.write(view, batch.map(row))));
      expect(results.map(({ written, skipped }) => written + skipped)).toEqual(
        batches.map(({ length }) => length),
      );
      for (const customer of [1, 2, 3]) {
        const own = batches.flat().filter((one) => one.customer === customer);
        const [found] = await online.getOnlineFeatures({
          ...request,
          entity: { customer_id: `C${customer}` },
        });
        const latest = (times: bigint[]): bigint | null =>
          times.reduce<bigint | null>((a, b) => (a !== null && a > b ? a : b), null);
        const event = latest(own.map((one) => one.event));
        const ofEvent = own.filter((one) => one.event === event);
        const created = latest(ofEvent.map((one) => one.created));
        const winners = ofEvent.filter((one) => one.created === created).map(({ amount }) => amount);
        expect(found).toMatchObject({
          status: own.length === 0 ? 'NOT_FOUND' : 'PRESENT',
          eventTimestamp: event,
        });
        expect(own.length === 0 ? [null] : winners).toContain(found!.value);
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

// Writes, removals and opt-outs in any order, on two views that share their entities' hashes.
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), of: fc.constantFrom(0, 1), row: write }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      of: fc.constantFrom(0, 1),
      before: time,
      customer: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('forget' as const), customer: fc.integer({ min: 1, max: 3 }) }),
  },
);

it('does as a plain model does with removals and opt-outs', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  const views = [view, { ...view, name: 'beside' }];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await stage.redis.flushall();
      const rows = new Map<string, Write>();
      const gone = new Set<number>();
      const modelled = (taken: (typeof steps)[number]): unknown => {
        if (taken.do === 'forget') {
          gone.add(taken.customer);
          return [0, 1].filter((of) => rows.delete(`${of} ${taken.customer}`)).length > 0 ? 1 : 0;
        }
        const customer = taken.do === 'write' ? taken.row.customer : taken.customer;
        const name = `${taken.of} ${customer}`;
        const standing = rows.get(name);
        if (taken.do === 'remove')
          return standing && standing.event < taken.before && rows.delete(name) ? 1 : 0;
        const given = taken.row;
        const newer =
          !standing ||
          given.event > standing.event ||
          (given.event === standing.event &&
            (given.created > standing.created ||
              (given.created === standing.created && given.amount !== standing.amount)));
        const outcome = gone.has(customer) ? 'refused' : newer ? 'written' : 'skipped';
        if (outcome === 'written') rows.set(name, given);
        return { written: 0, skipped: 0, refused: 0, [outcome]: 1 };
      };
      const done = (taken: (typeof steps)[number]): Promise<unknown> => {
        if (taken.do === 'write') return online.write(views[taken.of]!, [row(taken.row)]);
        const entities = [{ customer_id: `C${taken.customer}` }];
        return taken.do === 'remove'
          ? online.removeStale(views[taken.of]!, entities, taken.before)
          : online.forget(view.entity.joinKeys, entities);
      };
      for (const taken of steps) expect(await done(taken)).toEqual(modelled(taken));
      for (const which of [0, 1]) {
        for (const customer of [1, 2, 3]) {
          const expected = rows.get(`${which} ${customer}`);
          const [found] = await online.getOnlineFeatures({
            views,
            features: [{ view: views[which]!.name, feature: 'amount' }],
            entity: { customer_id: `C${customer}` },
          });
          expect([found!.eventTimestamp, found!.value]).toEqual([
            expected?.event ?? null,
            expected?.amount ?? null,
          ]);
          const [standing] = await online.standingRows(views[which]!, [{ customer_id: `C${customer}` }]);
          expect(standing).toEqual(
            gone.has(customer)
              ? 'opted-out'
              : expected
                ? { event: expected.event, created: expected.created }
                : null,
          );
        }
      }
      // A hash without a row is no more than what says that its entity has opted out.
      const kept = new Set([...rows.keys()].map((name) => name.split(' ')[1]));
      expect(await stage.redis.dbsize()).toBe(new Set([...kept, ...[...gone].map(String)]).size);
    }),
    { numRuns: 150 },
  );
}, 60_000);

it('writes a row of many features in one step, whatever their number', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  for (const features of [1, 59, 60, 61, 300]) {
    const wide = {
      ...view,
      name: `wide_${features}`,
      features: Array.from({ length: features }, (_, n) => ({ name: `f${n}`, type: 'string' as const })),
    };
    const values = wide.features.map(({ name }) => name.repeat(100));
    const given = { ...row({ customer: 1, event: 5n, created: 5n, amount: 0 }), values };
    expect(await online.write(wide, [given])).toEqual({ written: 1, skipped: 0, refused: 0 });
    const found = await online.getOnlineFeatures({
      views: [wide],
      features: wide.features.map(({ name }) => ({ view: wide.name, feature: name })),
      entity: { customer_id: 'C1' },
    });
    expect(found.map(({ value }) => value)).toEqual(values);
  }
});

it('writes more rows than one call takes, and counts them', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  const rows = Array.from({ length: 3_001 }, (_, customer) =>
    row({ customer, event: 5n, created: 5n, amount: customer }),
  );
  expect(await online.write(view, rows)).toEqual({ written: 3_001, skipped: 0, refused: 0 });
  expect(await online.write(view, rows)).toEqual({ written: 0, skipped: 3_001, refused: 0 });
  const entities = rows.map(({ entity }) => entity);
  const answers = await online.getOnlineFeaturesOfMany({ ...request, entities });
  expect(answers.map(([feature]) => feature!.value)).toEqual(rows.map((_, customer) => customer));
});

it('does not trust a created time of its own once Feast has written over the row', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  await online.write(view, [row({ customer: 1, event: 10n, created: 99n, amount: 1 })]);
  // As Feast writes: features and _ts, nothing else.
  const key = encodeEntityKey('meridian', view.entity.joinKeys, { customer_id: 'C1' });
  await stage.redis.hset(
    key,
    featureField('balance', 'amount'),
    encodeValue('int64', 2),
    timestampField('balance'),
    encodeTimestamp(20n),
  );
  await online.write(view, [row({ customer: 1, event: 20n, created: 50n, amount: 3 })]);
  const [found] = await online.getOnlineFeatures({ ...request, entity: { customer_id: 'C1' } });
  expect(found!.value).toBe(3);
});

describe('a view that was given more features', () => {
  const wider: FeatureView = { ...view, features: [...view.features, { name: 'limit', type: 'int64' }] };
  const ask = async () =>
    (
      await createOnlineStore(stage.redis, 'meridian').getOnlineFeatures({
        views: [wider],
        features: wider.features.map(({ name }) => ({ view: 'balance', feature: name })),
        entity: { customer_id: 'C1' },
      })
    ).map(({ value }) => value);
  const old = row({ customer: 1, event: 10n, created: 10n, amount: 1 });

  it('gets them in rows that stand, with the same times', async () => {
    const online = createOnlineStore(stage.redis, 'meridian');
    await online.write(view, [old]);
    for (const limit of [null, 5]) {
      const filled = { ...old, values: [1, limit] };
      expect(await online.write(wider, [filled])).toMatchObject({ written: 1 });
      expect(await online.write(wider, [filled])).toMatchObject({ skipped: 1 });
      expect(await ask()).toEqual([1, limit]);
    }
  });

  it('keeps its rows from who still writes fewer: no old value under a new time', async () => {
    const online = createOnlineStore(stage.redis, 'meridian');
    await online.write(wider, [{ ...old, values: [1, 5] }]);
    for (const [event, created] of [
      [10n, 10n],
      [10n, 11n],
      [11n, 1n],
    ] as const)
      await expect(
        online.write(view, [row({ customer: 1, event, created, amount: 2 })]),
      ).rejects.toMatchObject({
        code: 'Conflict',
        retryable: true,
        message: expect.stringContaining('features/balance'),
      });
    expect(await online.write(view, [row({ customer: 1, event: 9n, created: 9n, amount: 2 })])).toMatchObject(
      {
        skipped: 1,
      },
    );
    expect(await ask()).toEqual([1, 5]);
  });
});

it('leaves the views beside it alone', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  const other = { ...view, name: 'other' };
  await online.write(view, [row({ customer: 1, event: 1n, created: 1n, amount: 1 })]);
  await online.write(other, [row({ customer: 1, event: 2n, created: 1n, amount: 2 })]);
  const answer = await online.getOnlineFeatures({
    views: [view, other],
    features: [
      { view: 'other', feature: 'amount' },
      { view: 'balance', feature: 'amount' },
    ],
    entity: { customer_id: 'C1' },
  });
  expect(answer.map(({ view: name, value }) => [name, value])).toEqual([
    ['other', 2],
    ['balance', 1],
  ]);
});

describe('what a reader is told', () => {
  const now = 1_772_368_496_000;
  const short = { ...view, ttlSeconds: 60 };
  const ask = async (entity: Record<string, unknown>) =>
    createOnlineStore(stage.redis, 'meridian', () => now).getOnlineFeatures({
      ...request,
      views: [short],
      entity,
    });

  it('says which values are too old, missing or null', async () => {
    const online = createOnlineStore(stage.redis, 'meridian');
    const at = (seconds: number): bigint => BigInt(now) * 1000n - BigInt(seconds) * 1_000_000n;
    await online.write(short, [
      row({ customer: 1, event: at(60), created: 1n, amount: 1 }),
      row({ customer: 2, event: at(61), created: 1n, amount: 2 }),
      { ...row({ customer: 3, event: at(1), created: 1n, amount: 0 }), values: [null] },
    ]);
    expect((await ask({ customer_id: 'C1' }))[0]).toMatchObject({ status: 'PRESENT', value: 1 });
    expect((await ask({ customer_id: 'C2' }))[0]).toMatchObject({
      status: 'OUTSIDE_MAX_AGE',
      value: null,
      eventTimestamp: at(61),
    });
    expect((await ask({ customer_id: 'C3' }))[0]).toMatchObject({ status: 'NULL_VALUE', value: null });
    expect((await ask({ customer_id: 'C4' }))[0]).toMatchObject({ status: 'NOT_FOUND', value: null });
  });

  it('names a join key that is missing, unknown or of a wrong type', async () => {
    await expect(ask({})).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('customer_id'),
    });
    await expect(ask({ customer_id: true })).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(ask({ customer_id: 'C1', region: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('region'),
    });
  });

  it('refuses a value of another type than declared', async () => {
    const key = encodeEntityKey('meridian', view.entity.joinKeys, { customer_id: 'C1' });
    await stage.redis.hset(
      key,
      featureField('balance', 'amount'),
      encodeValue('double', 1.5),
      timestampField('balance'),
      encodeTimestamp(BigInt(now) * 1000n),
    );
    await expect(ask({ customer_id: 'C1' })).rejects.toMatchObject({ code: 'CorruptObject' });
  });
});

it('says that Redis is down, in words, and lets a retry mend it', async () => {
  const nowhere = createRedis({ redisUrl: 'redis://127.0.0.1:1' });
  const online = createOnlineStore(nowhere, 'meridian');
  const down = { code: 'DependencyUnavailable', retryable: true };
  await expect(online.getOnlineFeatures({ ...request, entity: { customer_id: 'C1' } })).rejects.toMatchObject(
    down,
  );
  await expect(
    online.write(view, [row({ customer: 1, event: 1n, created: 1n, amount: 1 })]),
  ).rejects.toMatchObject(down);
  nowhere.disconnect();
});
