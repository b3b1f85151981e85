import { createHash } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createDatasetActivities } from '../../activities/datasets';
import { createFeatureActivities } from '../../activities/features';
import { createPrivacyActivities } from '../../activities/privacy';
import { forgetEveryone } from '../../activities/privacy/forget';
import { kindsOf } from '../../activities/privacy/namings';
import { readOptOuts } from '../../activities/privacy/opt-outs';
import type { DatasetManifest, DatasetSnapshot, SnapshotExpiry } from '../../contracts/dataset';
import type { OptOutProof } from '../../contracts/features';
import type { FeatureView } from '../../contracts/model';
import { Key } from '../../contracts/ids';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { encodeEntityKey } from '../../platform/online-store/entity-key';
import { withPartitionCache } from '../../platform/partitions';
import { setStage, type Stage } from '../features/stage';
import {
  account,
  DAY,
  declaration,
  deliver,
  deliverEverything,
  END_OF_DAY,
  onlineOf,
  optOut,
  PEOPLE,
  person,
  rowOf,
  usage,
  views,
  weather,
} from './people';

jest.setTimeout(60_000);

let stage: Stage;
let before: DatasetSnapshot;
beforeAll(async () => {
  stage = await setStage();
  await deliverEverything(stage);
  before = await snapshot();
});
afterAll(() => stage?.tearDown());
beforeEach(async () => {
  await stage.redis.flushall();
  for (const prefix of ['raw/', 'reports/', before.prefix])
    for (const { key } of await stage.store.list(prefix))
      if (prefix !== before.prefix || key.endsWith('expires.json')) await stage.store.delete(key);
  for (const view of views) await load(view);
});

const load = (view: typeof account) =>
  stage.run(createFeatureActivities(stage).materializeView, { view, asOf: DAY, runKey: 'load' });
const snapshot = () =>
  stage.run(createDatasetActivities(stage).snapshotDataset, {
    declaration,
    declarationHash: 'd'.repeat(64),
    asOf: DAY,
    labelDays: [DAY],
  });
const enforce = (runKey = 'materialize-features/2026-04-01/run-1'): Promise<OptOutProof> =>
  stage.run(createPrivacyActivities(stage).enforceOptOuts, { views, runKey });
const keyOf = (n: number) => encodeEntityKey('meridian', account.entity.joinKeys, person(n));
const fieldsOf = async (n: number) => Object.keys(await stage.redis.hgetallBuffer(keyOf(n)));
const statuses = async (n: number) =>
  (
    await onlineOf(stage).getOnlineFeatures({
      views: [account, usage],
      features: [
        { view: 'account', feature: 'age' },
        { view: 'usage', feature: 'plan' },
      ],
      entity: person(n),
    })
  ).map(({ status }) => status);
/** Whom a snapshot holds. */
async function peopleIn({ prefix }: DatasetSnapshot): Promise<string[]> {
  const { splits } = await stage.store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  const paths = await Promise.all(
    Object.values(splits).map(async ({ key }) => {
      const path = `${stage.folder}/${key.replaceAll('/', '-')}`;
      await stage.store.download(key, path);
      return path;
    }),
  );
  const rows = await withDatabase((database) =>
    database.rows<{ customer_id: string }>(`SELECT customer_id FROM ${parquetFiles(paths)} ORDER BY ALL`),
  );
  return rows.map(({ customer_id }) => customer_id);
}
const digestOf = (people: number[]) => {
  const lines = people.map((n) => `[["customer_id","C${n}"]]\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
};

it('takes everyone on the list out of the online store, and leaves everybody else in', async () => {
  await optOut(stage, '2026-02-01', 7, 8);
  // After the day that is loaded, somebody twice, and somebody who was never here.
  await optOut(stage, '2026-04-15', 8, 9, 9_999);
  const proof = await enforce();
  expect(proof).toMatchObject({
    formatVersion: 1,
    entities: 4,
    removed: 3,
    verified: 4,
    views: ['account', 'usage_v2', 'weather'],
  });
  for (const n of [7, 8, 9, 9_999]) {
    expect(await statuses(n)).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    expect(await fieldsOf(n)).toEqual(['_opted_out']);
  }
  expect(await statuses(10)).toEqual(['PRESENT', 'PRESENT']);
  const places = await onlineOf(stage).getOnlineFeatures({
    views: [weather],
    features: [{ view: 'weather', feature: 'age' }],
    entity: { place_id: 7 },
  });
  expect(places[0]).toMatchObject({ status: 'PRESENT', value: 7 });
});

it('keeps a proof that names nobody and can be checked against the list', async () => {
  await optOut(stage, '2026-02-01', 100, 20, 3);
  const proof = await enforce('materialize-features/2026-04-01/run-2');
  expect(await stage.store.getJson(Key.optOutProof('materialize-features/2026-04-01/run-2'))).toEqual(proof);
  expect(proof.digest).toBe(digestOf([3, 20, 100]));
  expect(proof.digest).not.toBe(digestOf([3, 20]));
  expect(JSON.stringify(proof)).not.toMatch(/C(100|20|3)\b/);
});

it('gives the same run the same proof, and a later one nothing to remove', async () => {
  await optOut(stage, '2026-02-01', 7, 8);
  const first = await enforce();
  expect(await enforce()).toEqual(first);
  expect(await enforce('another run')).toMatchObject({
    entities: 2,
    removed: 0,
    verified: 2,
    version: first.version,
    digest: first.digest,
  });
  // The same run once more, after somebody else has asked.
  await optOut(stage, '2026-04-02', 9);
  expect(await enforce()).toMatchObject({ entities: 3, removed: 1 });
});

it('lets no later load, push or race bring anybody back', async () => {
  await optOut(stage, '2026-02-01', 7, 8);
  const racing = Array.from({ length: 20 }, (_, n) =>
    onlineOf(stage).write(account, [rowOf(7, END_OF_DAY + BigInt(n)), rowOf(10, END_OF_DAY + BigInt(n))]),
  );
  await Promise.all([load(account), enforce(), load(usage), ...racing]);
  for (const view of [account, usage]) await load(view);
  expect(
    await onlineOf(stage).write(account, [rowOf(8, END_OF_DAY * 2n), rowOf(11, END_OF_DAY * 2n)]),
  ).toEqual({
    written: 1,
    skipped: 0,
    refused: 1,
  });
  for (const n of [7, 8]) expect(await fieldsOf(n)).toEqual(['_opted_out']);
  expect(await statuses(10)).toEqual(['PRESENT', 'PRESENT']);
});

it('lets nobody back where the list is lost', async () => {
  await optOut(stage, '2026-02-01', 7);
  await enforce();
  await stage.store.delete('raw/opt-outs/dt=2026-02-01/part-0.parquet');
  expect(await enforce('after the loss')).toMatchObject({
    version: 'none',
    entities: 0,
    removed: 0,
    verified: 0,
    digest: digestOf([]),
  });
  await load(account);
  expect(await fieldsOf(7)).toEqual(['_opted_out']);
});

it('goes on where an attempt was killed, and counts nobody twice', async () => {
  await optOut(stage, '2026-02-01', 1, 2, 3, 4);
  const { version } = await enforce('to learn the version');
  await stage.redis.flushall();
  await onlineOf(stage).write(
    account,
    [1, 2, 3, 4].map((n) => rowOf(n)),
  );
  const server = await onlineOf(stage).serverIdentity();
  // In the order of their names, C1 and C2 were forgotten by the attempt before.
  await onlineOf(stage).forget(account.entity.joinKeys, [person(1), person(2)]);
  const second = new MockActivityEnvironment({
    attempt: 2,
    heartbeatDetails: { phase: 'forgetting', version, server, done: 2, of: 4, removed: 2 },
  });
  const { enforceOptOuts } = createPrivacyActivities(stage);
  expect(await second.run(enforceOptOuts, { views, runKey: 'killed' })).toMatchObject({
    entities: 4,
    removed: 4,
    verified: 4,
    digest: digestOf([1, 2, 3, 4]),
  });
  for (const n of [1, 2, 3, 4]) expect(await fieldsOf(n)).toEqual(['_opted_out']);
});

describe('after the online store lost what an attempt wrote', () => {
  const progressOf = async () => ({
    phase: 'forgetting',
    version: (await enforce('to learn the version')).version,
    server: await onlineOf(stage).serverIdentity(),
    done: 3,
    of: 3,
    removed: 3,
  });
  const resume = (heartbeatDetails: unknown) => {
    const environment = new MockActivityEnvironment({ attempt: 2, heartbeatDetails });
    let last: unknown;
    environment.on('heartbeat', (details: unknown) => (last = details));
    const { enforceOptOuts } = createPrivacyActivities(stage);
    const proof = environment.run(enforceOptOuts, { views, runKey: 'resumed' });
    return { proof, last: () => last };
  };

  it('proves nothing without the marks, and has them written again by the next attempt', async () => {
    await optOut(stage, '2026-02-01', 7, 8, 9);
    const progress = await progressOf();
    await stage.redis.flushall();
    const second = resume(progress);
    await expect(second.proof).rejects.toMatchObject({
      code: 'DependencyUnavailable',
      message: expect.stringContaining('found the mark of 0 of them'),
    });
    expect(await resume(second.last()).proof).toMatchObject({ entities: 3, removed: 3, verified: 3 });
    for (const n of [7, 8, 9]) expect(await fieldsOf(n)).toEqual(['_opted_out']);
  });

  it('begins anew where another server answers', async () => {
    await optOut(stage, '2026-02-01', 7, 8, 9);
    const progress = await progressOf();
    await stage.redis.flushall();
    const third = resume({ ...progress, server: 'the one before' });
    expect(await third.proof).toMatchObject({ entities: 3, removed: 0, verified: 3 });
    for (const n of [7, 8, 9]) expect(await fieldsOf(n)).toEqual(['_opted_out']);
  });
});

it('passes over values that cannot be a join key of some view, and says how many', async () => {
  await optOut(stage, '2026-02-01', 7, 8);
  const numbered: FeatureView = {
    ...account,
    name: 'numbered',
    entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'int64', personal: true }] },
  };
  const withNumbers = [...views, numbered];
  const enforceAll = (runKey: string) =>
    stage.run(createPrivacyActivities(stage).enforceOptOuts, { views: withNumbers, runKey });
  expect(await enforceAll('numbered')).toMatchObject({
    entities: 2,
    verified: 2,
    unfit: [{ joinKeys: 'customer_id int64', rows: 2 }],
  });
  expect(await fieldsOf(7)).toEqual(['_opted_out']);
  // A number that no such key is; rounded it would be somebody else's.
  await deliver(
    stage,
    'raw/opt-outs/dt=2026-02-02/part-0.parquet',
    `SELECT unnest(['12', '3.7']) AS customer_id`,
  );
  const mixed = await enforceAll('mixed');
  expect(mixed).toMatchObject({ entities: 5, unfit: [{ joinKeys: 'customer_id int64', rows: 3 }] });
  expect(JSON.stringify(mixed)).not.toMatch(/C7|3\.7/);
});

it('takes a list longer than a batch', async () => {
  await deliver(
    stage,
    'raw/opt-outs/dt=2026-02-01/part-0.parquet',
    `SELECT 'C' || i AS customer_id FROM range(25000) AS r(i)`,
  );
  expect(await enforce()).toMatchObject({ entities: 25_000, removed: PEOPLE, verified: 25_000 });
  const everyone = Array.from({ length: 25_000 }, (_, n) => person(n));
  expect(await onlineOf(stage).countMarked(account.entity.joinKeys, everyone)).toBe(25_000);
  expect(await onlineOf(stage).countHeld(weather.entity.joinKeys, [{ place_id: 7 }])).toBe(1);
});

it('takes out again what was written past the platform, and proves nothing where that does not help', async () => {
  await optOut(stage, '2026-02-01', 7);
  await enforce();
  // As Feast writes: it knows no opt-outs.
  await stage.redis.hset(keyOf(7), 'a field', 'a value');
  expect(await onlineOf(stage).countHeld(account.entity.joinKeys, [person(7), person(8_888)])).toBe(1);
  const online = onlineOf(stage);
  const inVain = withPartitionCache(stage.store, (cache) =>
    withDatabase(async (database) => {
      const optOuts = await readOptOuts(stage.store, cache, database, views);
      const forget = async () => 0;
      return new MockActivityEnvironment().run(() =>
        forgetEveryone({ ...online, forget }, database, optOuts, kindsOf(views), undefined),
      );
    }),
  );
  await expect(inVain).rejects.toMatchObject({
    code: 'DataQualityBreach',
    message: expect.stringContaining('features of 1 of them'),
  });
  expect(await enforce('the night after')).toMatchObject({ removed: 1, verified: 1 });
  expect(await fieldsOf(7)).toEqual(['_opted_out']);
});

describe('snapshots', () => {
  it('of later hold nobody on the list, whatever day they are about', async () => {
    await optOut(stage, '2026-04-15', 7, 8);
    const after = await snapshot();
    const everybody = Array.from({ length: PEOPLE }, (_, n) => `C${n}`).sort();
    expect(await peopleIn(before)).toEqual(everybody);
    expect(await peopleIn(after)).toEqual(everybody.filter((id) => id !== 'C7' && id !== 'C8'));
  });

  it('that hold somebody expire, once, and are not trained on after that', async () => {
    await optOut(stage, '2026-02-01', 7, 8);
    const after = await snapshot();
    const { expiring } = await enforce();
    expect(expiring).toEqual([
      { model: 'people', snapshot: before.snapshot, entities: 2, expiresAt: expect.any(String) },
    ]);
    const mark = await stage.store.getJson<SnapshotExpiry>(`${before.prefix}expires.json`);
    expect(mark.because).toContain('2 entities');
    const days = (Date.parse(mark.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThanOrEqual(30);
    // The next night the mark stands as it is.
    expect((await enforce('the next night')).expiring).toEqual(expiring);

    const { validateSnapshot } = createDatasetActivities(stage);
    expect(await stage.run(validateSnapshot, { declaration, snapshot: before })).toMatchObject({
      passed: true,
    });
    await stage.store.put(
      `${before.prefix}expires.json`,
      JSON.stringify({ ...mark, expiresAt: new Date().toISOString() }),
    );
    await expect(stage.run(validateSnapshot, { declaration, snapshot: before })).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(/expired at .* 2 entities in it have opted out/),
    });
    expect(await stage.run(validateSnapshot, { declaration, snapshot: after })).toMatchObject({
      passed: true,
    });
  });

  it('that were held against a list are not read again, until the list changes', async () => {
    await optOut(stage, '2026-02-01', 9_999);
    await enforce();
    const { splits } = await stage.store.getJson<DatasetManifest>(`${before.prefix}manifest.json`);
    const body = await stage.store.get(splits.train.key);
    // Damaged, so that reading it shows.
    await stage.store.put(splits.train.key, 'no Parquet');
    expect((await enforce('the next night')).expiring).toEqual([]);
    await optOut(stage, '2026-02-02', 9_998);
    expect((await enforce('the night after that')).expiring).toEqual([
      expect.objectContaining({ snapshot: before.snapshot, entities: 0 }),
    ]);
    await stage.store.put(splits.train.key, body);
  });
});

describe('a list that cannot be carried out', () => {
  const expectRefused = async (found: RegExp) => {
    await expect(enforce()).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(found),
    });
    expect(await statuses(7)).toEqual(['PRESENT', 'PRESENT']);
  };

  it('names its object where it lacks the join keys of every view', async () => {
    await optOut(stage, '2026-02-01', 7);
    await deliver(stage, 'raw/opt-outs/dt=2026-02-02/part-0.parquet', `SELECT 'C7' AS user`);
    await expectRefused(/dt=2026-02-02\/part-0\.parquet with the columns user/);
  });

  it('names its object where rows lack them', async () => {
    await deliver(
      stage,
      'raw/opt-outs/dt=2026-02-01/part-0.parquet',
      `SELECT unnest(['C7', NULL, NULL]) AS customer_id`,
    );
    await expectRefused(/2 rows of raw\/opt-outs\/dt=2026-02-01\/part-0\.parquet without/);
  });

  it('names the object that cannot be read', async () => {
    await stage.store.put('raw/opt-outs/dt=2026-02-01/part-0.parquet', 'no Parquet');
    await expect(enforce()).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining('raw/opt-outs/dt=2026-02-01/part-0.parquet'),
    });
  });
});
