import { createFeatureActivities } from '../../activities/features';
import { addDays, endOfDay } from '../../contracts/days';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { encodeEntityKey } from '../../platform/online-store/entity-key';
import { featureField, timestampField } from '../../platform/online-store/fields';
import { encodeTimestamp } from '../../platform/online-store/timestamp';
import { encodeValue } from '../../platform/online-store/value';
import {
  account,
  DAY,
  deliver,
  deliverEverything,
  END_OF_DAY,
  onlineOf,
  PEOPLE,
  person,
  rowOf,
  usage,
  views,
} from '../privacy/people';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
  await deliverEverything(stage);
});
afterAll(() => stage?.tearDown());
beforeEach(async () => {
  await stage.redis.flushall();
  for (const { key } of await stage.store.list('raw/')) await stage.store.delete(key);
  for (const view of views)
    await stage.run(createFeatureActivities(stage).materializeView, { view, asOf: DAY, runKey: 'load' });
});

const compare = (view: FeatureView = account, sample = 2 * PEOPLE, seed = 'a night') =>
  stage.run(createFeatureActivities(stage).compareStores, { view, sample, seed });
const keyOf = (n: number) => encodeEntityKey('meridian', account.entity.joinKeys, person(n));
/** As any other writer would put it there. */
const overwrite = (n: number, feature: string, value: Buffer) =>
  stage.redis.hset(keyOf(n), featureField('account', feature), value);

it('finds stores equal after a load, whatever the view’s version and keys', async () => {
  for (const view of views) {
    const entities = view.name === 'weather' ? 10 : PEOPLE;
    expect(await compare(view)).toEqual({
      view: view.name,
      watermark: DAY,
      compared: entities,
      equal: entities,
      pushed: 0,
      score: 1,
      examples: [],
    });
  }
});

it('finds exactly what differs, and shows it masked', async () => {
  await overwrite(7, 'plan', encodeValue('string', 'another'));
  await overwrite(8, 'age', encodeValue('int64', 9));
  await stage.redis.del(keyOf(9));
  await stage.redis.hset(keyOf(10), timestampField('account'), encodeTimestamp(END_OF_DAY - 1n));
  // Bytes that no reader of an int64 takes.
  await overwrite(11, 'age', encodeValue('string', 'eleven'));
  const comparison = await compare();
  expect(comparison).toMatchObject({
    compared: PEOPLE,
    equal: PEOPLE - 5,
    pushed: 0,
    score: (PEOPLE - 5) / PEOPLE,
  });
  const id = (n: number) => `customer_id=${mask(`C${n}`)}:`;
  expect(comparison.examples.sort()).toEqual(
    [
      `${id(7)} plan offline "plan 1", online "another"`,
      `${id(8)} age offline ${mask(8)}, online ${mask(9)}`,
      `${id(9)} row offline of 2026-04-01T00:00:00.000000Z, online nothing`,
      `${id(10)} row offline of 2026-04-01T00:00:00.000000Z, online of 2026-03-31T23:59:59.999999Z`,
      `${id(11)} row offline of 2026-04-01T00:00:00.000000Z, online nothing`,
    ].sort(),
  );
  expect((await compare(usage)).examples).toEqual([
    `${id(9)} row offline of 2026-04-01T00:00:00.000000Z, online nothing`,
  ]);
});

it('counts what was pushed since for neither side', async () => {
  const pushed: FeatureView = { ...account, push: true };
  const row = (n: number) => ({ ...rowOf(n, END_OF_DAY + 60_000_000n), values: [1, 'pushed'] });
  await onlineOf(stage).write(account, [row(7), row(8), row(9_999)]);
  expect(await compare(pushed)).toMatchObject({
    equal: PEOPLE - 2,
    pushed: 3,
    compared: PEOPLE + 1,
    score: 1,
  });
});

it('finds rows of the future where nobody may push them; a load under way writes no later than its partitions', async () => {
  const DAYS = 86_400_000_000n;
  const view: FeatureView = { ...account, name: 'dated' };
  const columns = `'C' || range AS customer_id, make_timestamp(${END_OF_DAY})::TIMESTAMPTZ AS event_timestamp,
    now() AS created_timestamp, range AS age, 'plan' AS plan`;
  await deliver(stage, `features/dated/dt=${DAY}/part-0.parquet`, `SELECT ${columns} FROM range(10)`);
  await stage.run(createFeatureActivities(stage).materializeView, { view, asOf: DAY, runKey: 'load' });
  await onlineOf(stage).write(view, [rowOf(7, END_OF_DAY + 400n * DAYS), rowOf(8, END_OF_DAY + DAYS)]);
  expect(await compare(view)).toMatchObject({ compared: 10, equal: 8, pushed: 0, score: 0.8 });
  await deliver(
    stage,
    `features/dated/dt=${addDays(DAY, 1)}/part-0.parquet`,
    `SELECT ${columns} FROM range(10)`,
  );
  expect(await compare(view)).toMatchObject({ compared: 10, equal: 8, pushed: 1, score: 8 / 9 });
});

it('passes over partitions that are not loaded, because a check blocks them', async () => {
  const strict: FeatureView = {
    ...account,
    name: 'strict',
    features: [{ name: 'age', type: 'int64', checks: { max: 100 } }],
  };
  for (const [back, age] of [10, 1000, 30].entries()) {
    const day = addDays(DAY, back - 2);
    await deliver(
      stage,
      `features/strict/dt=${day}/part-0.parquet`,
      `SELECT 'C' || i AS customer_id, TIMESTAMPTZ '${endOfDay(day)}' AS event_timestamp, ${age} AS age FROM range(${10 - back}) AS r(i)`,
    );
  }
  await stage.run(createFeatureActivities(stage).materializeView, {
    view: strict,
    asOf: DAY,
    runKey: 'load',
  });
  expect(await compare(strict)).toMatchObject({ compared: 10, equal: 10, score: 1 });
});

it('compares what a view without a ttl was given last, and no history', async () => {
  const view: FeatureView = { ...account, name: 'endless', ttlSeconds: 0, lookBackDays: 0 };
  const give = (day: string, from: number, to: number) =>
    deliver(
      stage,
      `features/endless/dt=${day}/part-0.parquet`,
      `SELECT 'C' || range AS customer_id, TIMESTAMPTZ '${endOfDay(day)}' AS event_timestamp,
         TIMESTAMPTZ '${endOfDay(day)}' AS created_timestamp, range AS age, 'plan' AS plan FROM range(${from}, ${to})`,
    );
  await give(addDays(DAY, -90), 0, 300);
  await give(DAY, 200, 205);
  await stage.run(createFeatureActivities(stage).materializeView, { view, asOf: DAY, runKey: 'load' });
  // What nobody reads cannot be in the way.
  await stage.store.create(`features/endless/dt=${addDays(DAY, -90)}/part-1.parquet`, 'no Parquet');
  expect(await compare(view)).toMatchObject({ compared: 5, equal: 5, score: 1, examples: [] });
  await onlineOf(stage).write(view, [rowOf(9_999)]);
  expect(await compare(view)).toMatchObject({ compared: 6, equal: 5 });
});

it('finds entities that are online and not offline, unless they have expired or may be pushed', async () => {
  await onlineOf(stage).write(account, [rowOf(9_999), rowOf(9_998, END_OF_DAY - 3_600_000_000n)]);
  expect(await compare()).toMatchObject({ compared: PEOPLE + 2, equal: PEOPLE, pushed: 0 });
  expect((await compare()).examples).toEqual(
    expect.arrayContaining([`customer_id=${mask('C9999')}: row offline nothing, online one`]),
  );
  expect(await compare({ ...account, push: true })).toMatchObject({ pushed: 2, score: 1 });
  expect(await compare({ ...account, ttlSeconds: 1_800 })).toMatchObject({ compared: PEOPLE + 1 });
});

it('compares another sample each night, and the same one where it is asked again', async () => {
  for (let n = 0; n < PEOPLE; n += 1) await stage.redis.del(keyOf(n));
  const nights = await Promise.all(['one', 'one', 'two'].map((seed) => compare(account, 5, seed)));
  for (const night of nights) expect(night).toMatchObject({ compared: 5, score: 0 });
  const [first, again, second] = nights.map(({ examples }) => examples.sort());
  expect(again).toEqual(first);
  expect(second).not.toEqual(first);
});

it('leaves those out who have opted out', async () => {
  await onlineOf(stage).forget(account.entity.joinKeys, [person(7), person(9_999)]);
  expect(await compare()).toMatchObject({ compared: PEOPLE - 1, equal: PEOPLE - 1, score: 1 });
});

it('says that a view was never loaded', async () => {
  expect(await compare({ ...account, name: 'unknown' })).toMatchObject({
    watermark: null,
    compared: 0,
    score: 1,
  });
});

it('compares what is newest and alive, by event time, then by created time', async () => {
  const view: FeatureView = { ...account, name: 'ledger', ttlSeconds: 172_800 };
  const row = (id: string, event: string, created: string, age: number): string =>
    `('${id}', TIMESTAMPTZ '${event}', TIMESTAMPTZ '${created}', ${age}, NULL::VARCHAR)`;
  const columns = 't(customer_id, event_timestamp, created_timestamp, age, plan)';
  const older = [
    row('A', '2026-03-31 00:00:00+00', '2026-04-01 09:00:00+00', 1),
    row('B', '2026-03-31 00:00:00+00', '2026-04-01 09:00:00+00', 1),
    row('gone', '2026-03-29 12:00:00+00', '2026-03-29 12:00:00+00', 1),
  ];
  const newer = [
    row('A', '2026-04-01 00:00:00+00', '2026-04-01 01:00:00+00', 2),
    row('A', '2026-04-01 00:00:00+00', '2026-04-01 02:00:00+00', 3),
    row('edge', '2026-03-30 00:00:00+00', '2026-03-30 00:00:00+00', 4),
  ];
  for (const [day, rows] of Object.entries({ '2026-03-30': older, [DAY]: newer }))
    await deliver(
      stage,
      `features/ledger/dt=${day}/part-0.parquet`,
      `SELECT * FROM (VALUES ${rows.join(', ')}) AS ${columns}`,
    );
  await stage.run(createFeatureActivities(stage).materializeView, { view, asOf: DAY, runKey: 'load' });
  expect(await compare(view)).toMatchObject({ compared: 3, equal: 3, score: 1, examples: [] });
  const [age] = await onlineOf(stage).getOnlineFeatures({
    views: [{ ...view, ttlSeconds: 0 }],
    features: [{ view: 'ledger', feature: 'age' }],
    entity: { customer_id: 'A' },
  });
  expect(age!.value).toBe(3);
});
