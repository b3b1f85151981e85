import * as fc from 'fast-check';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type OnlineFeature, type StoredValue } from '../../platform/online-store';
import { encodeEntityKey } from '../../platform/online-store/entity-key';
import { featureField, timestampField } from '../../platform/online-store/fields';
import { encodeTimestamp } from '../../platform/online-store/timestamp';
import { encodeValue } from '../../platform/online-store/value';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const PROJECT = 'meridian';
const NOW_MS = 1_795_176_000_123;
const NOW = BigInt(NOW_MS) * 1000n;
const TTL = 3600;

const joinKeys = {
  customer: [{ name: 'customer_id', type: 'string' as const }],
  store: [
    { name: 'store_id', type: 'int64' as const },
    { name: 'customer_id', type: 'string' as const },
  ],
};
const viewOf = (name: string, more: Partial<FeatureView> = {}): FeatureView => ({
  name,
  version: 1,
  description: 'A view of the tests.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: joinKeys.customer },
  ttlSeconds: 0,
  features: [
    { name: 'd', type: 'double' },
    { name: 'l', type: 'int64' },
    { name: 's', type: 'string' },
    { name: 'b', type: 'bool' },
  ],
  sources: [],
  transformation: null,
  ...more,
});
const account = viewOf('account');
const usage = viewOf('usage', { ttlSeconds: TTL, version: 2 });
const visits = viewOf('visits', { ttlSeconds: TTL, entity: { name: 'visit', joinKeys: joinKeys.store } });
const views = [account, usage, visits];

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.redis.flushall());

const online = () => createOnlineStore(stage.redis, PROJECT, () => NOW_MS);
const allOf = (...of: FeatureView[]) =>
  of.flatMap((view) => view.features.map(({ name }) => ({ view: view.name, feature: name })));

/** As Feast writes a row: features and `_ts` of the stored name, nothing else. */
async function writeAsFeast(
  view: FeatureView,
  storedAs: string,
  entity: Record<string, unknown>,
  event: bigint,
  values: readonly StoredValue[],
): Promise<void> {
  const cells = view.features.flatMap(({ name, type }, index) => [
    featureField(storedAs, name),
    encodeValue(type, values[index]!),
  ]);
  const key = encodeEntityKey(PROJECT, view.entity.joinKeys, entity);
  await stage.redis.hset(key, ...cells, timestampField(storedAs), encodeTimestamp(event));
}
const storedAs = { account: 'account', usage: 'usage_v2', visits: 'visits' } as const;

/** What a reader is to be told, told plainly. */
function model(
  view: FeatureView,
  row: { event: bigint; values: StoredValue[] } | undefined,
): OnlineFeature[] {
  return view.features.map(({ name }, index) => {
    const answer = { view: view.name, feature: name };
    if (!row) return { ...answer, status: 'NOT_FOUND', value: null, eventTimestamp: null };
    const eventTimestamp = row.event;
    const oldest = view.ttlSeconds === 0 ? null : NOW - BigInt(view.ttlSeconds) * 1_000_000n;
    if (oldest !== null && row.event < oldest)
      return { ...answer, status: 'OUTSIDE_MAX_AGE', value: null, eventTimestamp };
    const value = row.values[index]!;
    return { ...answer, status: value === null ? 'NULL_VALUE' : 'PRESENT', value, eventTimestamp };
  });
}

const values = fc.tuple(
  fc.option(fc.double({ noNaN: true })),
  fc.option(
    fc.oneof(
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    ),
  ),
  fc.option(fc.string({ unit: 'grapheme' })),
  fc.option(fc.boolean()),
) as fc.Arbitrary<StoredValue[]>;
// Both sides of the ttl, to the microsecond, are common.
const age = fc.oneof(
  fc.constantFrom(0n, BigInt(TTL) * 1_000_000n, BigInt(TTL) * 1_000_000n + 1n, -5n),
  fc.bigInt({ min: 0n, max: 2n * BigInt(TTL) * 1_000_000n }),
);
const writes = fc.array(
  fc.record({
    view: fc.constantFrom(...views),
    customer: fc.constantFrom('C1', 'ä', ''),
    store: fc.constantFrom('7', '-9223372036854775808'),
    event: age.map((micros) => NOW - micros),
    values,
    byFeast: fc.boolean(),
  }),
  { maxLength: 12 },
);

it('answers what a plain model answers, whoever wrote the rows', async () => {
  const store = online();
  const entities = ['C1', 'ä', '', 'nobody'].flatMap((customer_id) =>
    ['7', '-9223372036854775808'].map((store_id) => ({ customer_id, store_id })),
  );
  const features = allOf(visits, account, usage);
  await fc.assert(
    fc.asyncProperty(writes, async (rows) => {
      await stage.redis.flushall();
      const standing = new Map<string, { event: bigint; values: StoredValue[] }>();
      const idOf = (view: FeatureView, customer: string, at: string): string =>
        JSON.stringify([view.name, customer, view === visits ? at : null]);
      for (const { view, customer, store: at, event, values: cells, byFeast } of rows) {
        const id = idOf(view, customer, at);
        const stands = standing.get(id);
        // Newest-wins has tests of its own: here every row that is written stands.
        if (stands && event <= stands.event) continue;
        const entity = { customer_id: customer, ...(view === visits && { store_id: at }) };
        if (byFeast) {
          await writeAsFeast(view, storedAs[view.name as keyof typeof storedAs], entity, event, cells);
        } else {
          await store.write(view, [{ entity, eventTimestamp: event, createdTimestamp: 1n, values: cells }]);
        }
        standing.set(id, { event, values: cells });
      }
      const answers = await store.getOnlineFeaturesOfMany({ views, features, entities });
      for (const [index, { customer_id, store_id }] of entities.entries()) {
        expect(answers[index]).toStrictEqual(
          [visits, account, usage].flatMap((view) =>
            model(view, standing.get(idOf(view, customer_id, store_id))),
          ),
        );
      }
    }),
    { numRuns: 120 },
  );
});

it('tells a row that is exactly as old as its ttl from one a microsecond older, nulls and all', async () => {
  const oldest = NOW - BigInt(TTL) * 1_000_000n;
  await online().write(
    usage,
    [oldest, oldest - 1n].map((eventTimestamp, index) => ({
      entity: { customer_id: `C${index}` },
      eventTimestamp,
      createdTimestamp: NOW,
      values: [-0, null, '', false],
    })),
  );
  const [alive, expired] = await online().getOnlineFeaturesOfMany({
    views,
    features: allOf(usage),
    entities: [{ customer_id: 'C0' }, { customer_id: 'C1' }],
  });
  expect(alive!.map(({ status }) => status)).toEqual(['PRESENT', 'NULL_VALUE', 'PRESENT', 'PRESENT']);
  expect(alive!.map(({ value }) => value)).toStrictEqual([-0, null, '', false]);
  expect(new Set(expired!.map(({ status }) => status))).toEqual(new Set(['OUTSIDE_MAX_AGE']));
  for (const answer of expired!) expect(answer).toMatchObject({ value: null, eventTimestamp: oldest - 1n });
});

it('finds its fields among hundreds of others in the hash', async () => {
  const key = encodeEntityKey(PROJECT, joinKeys.customer, { customer_id: 'C1' });
  const wide = viewOf('wide', {
    features: Array.from({ length: 300 }, (_, n) => ({ name: `f${n}`, type: 'double' as const })),
  });
  const row = { entity: { customer_id: 'C1' }, eventTimestamp: NOW, createdTimestamp: NOW };
  await online().write(wide, [{ ...row, values: wide.features.map((_, n) => n / 7) }]);
  await online().write(account, [{ ...row, values: [1.5, 2, 'x', true] }]);
  await stage.redis.hset(key, featureField('__precomputed__churn', 'vector'), Buffer.alloc(2000, 7));
  const answer = await online().getOnlineFeatures({
    views: [account, wide],
    features: [...allOf(account), ...allOf(wide)],
    entity: { customer_id: 'C1' },
  });
  expect(answer.map(({ value }) => value)).toEqual([
    1.5,
    2,
    'x',
    true,
    ...wide.features.map((_, n) => n / 7),
  ]);
});

it('keeps every value exact that Redis holds: infinities, denormals, -0 and integers beyond 2^53', async () => {
  const doubles = [Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE];
  const integers = [9_007_199_254_740_993n, -9_007_199_254_740_993n, 2n ** 63n - 1n, -(2n ** 63n), 0];
  const entities = doubles.map((_, n) => ({ customer_id: `C${n}` }));
  await online().write(
    account,
    entities.map((entity, n) => ({
      entity,
      eventTimestamp: NOW,
      createdTimestamp: NOW,
      values: [doubles[n]!, integers[n]!, null, null],
    })),
  );
  const answers = await online().getOnlineFeaturesOfMany({ views, features: allOf(account), entities });
  expect(answers.map(([d, l]) => [d!.value, l!.value])).toStrictEqual(
    doubles.map((value, n) => [value, integers[n]]),
  );
});

it('takes NaN for null, as Feast does', async () => {
  const row = { entity: { customer_id: 'C1' }, eventTimestamp: NOW, createdTimestamp: NOW };
  await online().write(account, [{ ...row, values: [NaN, 1, '', true] }]);
  const [written] = await online().getOnlineFeatures({ views, features: allOf(account), entity: row.entity });
  expect(written).toMatchObject({ status: 'NULL_VALUE', value: null });
});

it('does not find an entity that has opted out, even where Feast has written it again', async () => {
  const entity = { customer_id: 'C1' };
  await online().forget(joinKeys.customer, [entity]);
  await writeAsFeast(account, 'account', entity, NOW, [1, 2, 'x', true]);
  const answer = await online().getOnlineFeatures({ views, features: allOf(account), entity });
  expect(answer).toStrictEqual(model(account, undefined));
});

it('answers nothing where nothing is asked', async () => {
  expect(await online().getOnlineFeaturesOfMany({ views, features: allOf(account), entities: [] })).toEqual(
    [],
  );
  expect(await online().getOnlineFeatures({ views, features: [], entity: {} })).toEqual([]);
});

describe('what cannot be answered is a typed error', () => {
  const ask = (entity: unknown, features = allOf(visits)) =>
    online().getOnlineFeatures({ views, features, entity: entity as Record<string, unknown> });

  it.each([
    ['an unknown view', [{ view: 'nowhere', feature: 'd' }], 'nowhere:d'],
    ['an unknown feature', [{ view: 'account', feature: 'nothing' }], 'account:nothing'],
  ])('%s', async (_, features, field) => {
    await expect(ask({ customer_id: 'C1' }, features)).rejects.toMatchObject({
      code: 'InvalidInput',
      retryable: false,
      fields: [{ field, found: 'no such feature', expected: expect.stringContaining('account:d') }],
    });
  });

  it.each<[string, unknown, string]>([
    ['a join key missing', { customer_id: 'C1' }, 'entity.store_id'],
    ['a join key nobody knows', { customer_id: 'C1', store_id: 7, region: 'west' }, 'entity.region'],
    ['text for an integer', { customer_id: 'C1', store_id: 'seven' }, 'entity.store_id'],
    ['a fraction for an integer', { customer_id: 'C1', store_id: 7.5 }, 'entity.store_id'],
    ['NaN for an integer', { customer_id: 'C1', store_id: NaN }, 'entity.store_id'],
    ['a number that is not exact', { customer_id: 'C1', store_id: 2 ** 53 }, 'entity.store_id'],
    ['an integer beyond 64 bits', { customer_id: 'C1', store_id: '9223372036854775808' }, 'entity.store_id'],
    ['true for text', { customer_id: true, store_id: 7 }, 'entity.customer_id'],
    ['null for text', { customer_id: null, store_id: 7 }, 'entity.customer_id'],
    ['half a surrogate pair', { customer_id: 'C\ud800', store_id: 7 }, 'entity.customer_id'],
    ['no entity', null, 'entity'],
    ['a list', ['C1'], 'entity'],
  ])('%s', async (_, entity, field) => {
    await expect(ask(entity)).rejects.toMatchObject({ code: 'InvalidInput', fields: [{ field }] });
  });

  const cellOf =
    (bytes: string, personal = false) =>
    async () => {
      const view = viewOf('account', { features: [{ name: 'd', type: 'double', personal }] });
      const key = encodeEntityKey(PROJECT, joinKeys.customer, { customer_id: 'C1' });
      const cell = Buffer.from(bytes, 'hex');
      await stage.redis.hset(
        key,
        timestampField('account'),
        encodeTimestamp(NOW),
        featureField('account', 'd'),
        cell,
      );
      return online().getOnlineFeatures({
        views: [view],
        features: allOf(view),
        entity: { customer_id: 'C1' },
      });
    };

  it.each([
    ['another type than declared', '2001'],
    ['half a value', '2900000000'],
    ['a value with more behind it', '29000000000000f83f00'],
    ['a field that is no type of ours', '4a00'],
    ['garbage', 'deadbeef'],
  ])('%s', async (_, bytes) => {
    await expect(cellOf(bytes)()).rejects.toMatchObject({
      code: 'CorruptObject',
      retryable: false,
      message: expect.stringMatching(`account:d.*double.*${bytes}`),
    });
  });

  it('corrupt bytes of a personal feature, which are not shown', async () => {
    await expect(cellOf('deadbeef', true)()).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.not.stringContaining('deadbeef'),
    });
  });

  it('an event time that is none', async () => {
    const key = encodeEntityKey(PROJECT, joinKeys.customer, { customer_id: 'C1' });
    await stage.redis.hset(key, timestampField('account'), Buffer.from('0880', 'hex'));
    await expect(ask({ customer_id: 'C1' }, allOf(account))).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining("account's event time"),
    });
  });

  it('a key that holds no hash; the reads after it are answered', async () => {
    const key = encodeEntityKey(PROJECT, joinKeys.customer, { customer_id: 'C1' });
    await stage.redis.set(key, 'text');
    await expect(ask({ customer_id: 'C1' }, allOf(account))).rejects.toMatchObject({
      code: 'DependencyUnavailable',
      message: expect.stringContaining('WRONGTYPE'),
    });
    expect(await ask({ customer_id: 'C2' }, allOf(account))).toStrictEqual(model(account, undefined));
  });
});
