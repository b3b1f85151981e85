import { createDatasetActivities } from '../../activities/datasets';
import { getHistoricalFeatures } from '../../activities/datasets/historical';
import { createFeatureActivities } from '../../activities/features';
import { createPrivacyActivities } from '../../activities/privacy';
import type { DatasetManifest } from '../../contracts/dataset';
import type { OptOutProof } from '../../contracts/features';
import type { FeatureView } from '../../contracts/model';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { encodeEntityKey } from '../../platform/online-store/entity-key';
import { withPartitionCache } from '../../platform/partitions';
import { setStage, type Stage } from '../features/stage';
import { account, DAY, declaration, deliver, END_OF_DAY, onlineOf, optOut } from './people';

jest.setTimeout(60_000);

/** A view of customers by region. Other people ask to be left out by customer only. */
const regional: FeatureView = {
  ...account,
  name: 'regional',
  entity: {
    name: 'customer in a region',
    joinKeys: [
      { name: 'region', type: 'string' },
      { name: 'customer_id', type: 'string', personal: true },
    ],
  },
};
const CUSTOMERS = 40;
const REGIONS = ['north', 'south'];
const TIMES = `TIMESTAMPTZ '2026-04-01 00:00:00+00' AS event_timestamp, TIMESTAMPTZ '2026-04-01 01:00:00+00' AS created_timestamp`;
const EVERYONE = `(SELECT 'C' || i AS customer_id, i FROM range(${CUSTOMERS}) AS r(i)) AS c, (SELECT unnest(['north', 'south']) AS region) AS p`;

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
  await deliver(
    stage,
    `features/regional/dt=${DAY}/part-0.parquet`,
    `SELECT customer_id, region, ${TIMES}, i AS age, 'plan' AS plan FROM ${EVERYONE}`,
  );
  await deliver(
    stage,
    `labels/people/dt=${DAY}/part-0.parquet`,
    `SELECT customer_id, region, ${TIMES}, (i % 4 = 0)::INT AS label FROM ${EVERYONE}`,
  );
});
afterAll(() => stage?.tearDown());
beforeEach(async () => {
  await stage.redis.flushall();
  for (const prefix of ['raw/', 'reports/', 'datasets/'])
    for (const { key } of await stage.store.list(prefix)) await stage.store.delete(key);
});

const load = () =>
  stage.run(createFeatureActivities(stage).materializeView, { view: regional, asOf: DAY, runKey: 'load' });
const enforce = (views: FeatureView[] = [regional]): Promise<OptOutProof> =>
  stage.run(createPrivacyActivities(stage).enforceOptOuts, { views, runKey: 'tonight' });
const entity = (n: number, region: string) => ({ customer_id: `C${n}`, region });
const fieldsOf = async (n: number, region: string) =>
  Object.keys(
    await stage.redis.hgetallBuffer(encodeEntityKey('meridian', regional.entity.joinKeys, entity(n, region))),
  );
const stands = async (n: number, region: string) => (await fieldsOf(n, region)).includes('_ts:regional');
const model = {
  ...declaration,
  views: [regional],
  inputs: declaration.inputs.map((input) => ({ ...input, view: 'regional' })),
};
const snapshot = () =>
  stage.run(createDatasetActivities(stage).snapshotDataset, {
    declaration: model,
    declarationHash: 'd'.repeat(64),
    asOf: DAY,
    labelDays: [DAY],
  });

it.each([
  ['no other view', [regional]],
  ['a view of customers as such', [account, regional]],
])('takes a customer out of every region, with %s', async (_what, views) => {
  await load();
  await optOut(stage, '2026-02-01', 7, 9_999);
  expect(await enforce(views)).toMatchObject({ entities: 2, removed: 2, verified: 4 });
  for (const region of REGIONS) {
    expect(await fieldsOf(7, region)).toEqual(['_opted_out']);
    expect(await stands(8, region)).toBe(true);
  }
});

it('loads nobody who was named by customer only, and does not miss them when the stores are compared', async () => {
  await optOut(stage, '2026-02-01', 7, 8);
  await enforce();
  expect(await load()).toMatchObject({ entities: REGIONS.length * (CUSTOMERS - 2) });
  for (const region of REGIONS) expect(await fieldsOf(7, region)).toEqual([]);
  const { compareStores } = createFeatureActivities(stage);
  expect(await stage.run(compareStores, { view: regional, sample: 1_000, seed: 'all' })).toMatchObject({
    score: 1,
    examples: [],
  });
});

it('refuses what is pushed of them, also where nothing of theirs ever stood', async () => {
  await optOut(stage, '2026-02-01', 7);
  await enforce();
  const row = (n: number) => ({
    entity: entity(n, 'west'),
    eventTimestamp: END_OF_DAY,
    createdTimestamp: END_OF_DAY,
    values: [n, 'pushed'],
  });
  expect(await onlineOf(stage).write(regional, [row(7), row(8)])).toEqual({
    written: 1,
    skipped: 0,
    refused: 1,
  });
  expect(await fieldsOf(7, 'west')).toEqual([]);
});

it('leaves them out of datasets, and marks those that hold them', async () => {
  const before = await snapshot();
  await optOut(stage, '2026-02-01', 7, 8);
  const after = await snapshot();
  const sum = ({ rows }: typeof before) => rows.train + rows.validation + rows.test;
  expect([sum(before), sum(after)]).toEqual([2 * CUSTOMERS, 2 * (CUSTOMERS - 2)]);
  expect(await stage.store.getJson<DatasetManifest>(`${after.prefix}manifest.json`)).toMatchObject({
    optOuts: { entities: 2 },
  });
  expect((await enforce()).expiring).toEqual([
    expect.objectContaining({ snapshot: before.snapshot, entities: 2 * REGIONS.length }),
  ]);
});

it('joins no features of theirs', async () => {
  await optOut(stage, '2026-02-01', 7);
  const [frame, out] = [`${stage.folder}/frame.parquet`, `${stage.folder}/out.parquet`];
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT customer_id, region, TIMESTAMPTZ '2026-04-02 00:00:00+00' AS event_timestamp FROM ${EVERYONE} WHERE i < 10) TO '${frame}' (FORMAT parquet)`,
    ),
  );
  await withPartitionCache(stage.store, (cache) =>
    getHistoricalFeatures(stage.store, cache, {
      frame,
      out,
      features: [{ view: regional, features: ['age'] }],
    }),
  );
  const without = await withDatabase((database) =>
    database.rows(`SELECT DISTINCT customer_id FROM ${parquetFiles([out])} WHERE regional__age IS NULL`),
  );
  expect(without).toEqual([{ customer_id: 'C7' }]);
});

it('takes a customer out of the one region that is asked for, where the row says so', async () => {
  await load();
  await deliver(
    stage,
    'raw/opt-outs/dt=2026-02-01/part-0.parquet',
    `SELECT * FROM (VALUES ('C7', 'north'), ('C8', NULL)) AS t(customer_id, region)`,
  );
  expect(await enforce()).toMatchObject({ entities: 2, removed: 3 });
  expect(await stands(7, 'north')).toBe(false);
  expect(await stands(7, 'south')).toBe(true);
  for (const region of REGIONS) expect(await stands(8, region)).toBe(false);
});

it('takes nobody out for a region, which is not personal', async () => {
  await load();
  await deliver(stage, 'raw/opt-outs/dt=2026-02-01/part-0.parquet', `SELECT 'north' AS region`);
  await expect(enforce()).rejects.toMatchObject({ code: 'DataQualityBreach' });
  expect(await stands(7, 'north')).toBe(true);
});
