import { join } from 'node:path';
import { createFeatureActivities } from '../../activities/features';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { customerActivity } from '../../features';
import { serviceOf } from '../../features/services';
import { layDownSampleData } from '../../local/sample';
import { churn } from '../../models/churn/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { createOnlineStore, type OnlineRow, type StoredValue } from '../../platform/online-store';
import { startFeast } from './feast-client';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
/** An instant with microseconds, in microseconds. */
const MOMENT = 1_700_000_000_123_456n;

jest.setTimeout(180_000);
let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
}, 120_000);
afterAll(() => stage?.tearDown());

const online = () => createOnlineStore(stage.redis, 'meridian');
const row = (entity: OnlineRow['entity'], values: StoredValue[]): OnlineRow => ({
  entity,
  eventTimestamp: MOMENT,
  createdTimestamp: MOMENT,
  values,
});

it('the real Feast reads every value that was materialized, of every version there is', async () => {
  const { computeFeatures, materializeView } = createFeatureActivities(stage);
  const [account] = churn.views as [FeatureView];
  // The second version retypes a feature and has another; models of the first go on reading theirs.
  const second: FeatureView = {
    ...account,
    version: 2,
    transformation: `SELECT * REPLACE (tenure_days / 7.0 AS tenure_days), seats > 10 AS is_large FROM (${account.transformation})`,
    features: [
      ...account.features.map((feature) =>
        feature.name === 'tenure_days' ? { name: 'tenure_days', type: 'double' as const } : feature,
      ),
      { name: 'is_large', type: 'bool' },
    ],
  };
  const views = [...churn.views, second];
  for (const view of views) {
    await stage.run(computeFeatures, { view, days: [day] });
    const loaded = await stage.run(materializeView, { view, asOf: day, runKey: 'test' });
    expect(loaded).toMatchObject({ skipped: 0, written: loaded.entities });
  }
  const successor = serviceOf({
    ...churn,
    name: 'successor',
    views: [second],
    inputs: [{ name: 'tenure', view: second.name, feature: 'tenure_days', type: 'number' }],
  });
  const feast = await startFeast(stage, {
    name: 'feast',
    views,
    services: [serviceOf(churn), successor],
  });

  const tables = await Promise.all(
    views.map(async (view) => {
      const name = storedName(view);
      const path = join(stage.folder, `${name}.parquet`);
      await stage.store.download(`features/${name}/dt=${day}/part-0.parquet`, path);
      return { view, name, table: await readParquetAsArrow(path) };
    }),
  );
  const ids = [...tables[0]!.table.getChild('customer_id')!] as string[];
  const entities = ids.map((id) => ({ customer_id: id }));
  const everything = views.flatMap((view) => view.features.map(({ name }) => `${storedName(view)}:${name}`));
  const [all, ofChurn, ofSuccessor] = (await feast.ask(
    { do: 'online', features: everything, entities },
    { do: 'online', features: 'churn', entities },
    { do: 'online', features: 'successor', entities },
  )) as Record<string, StoredValue[]>[];

  let compared = 0;
  for (const { view, name: stored, table } of tables) {
    expect([...table.getChild('customer_id')!]).toEqual(ids);
    for (const { name } of view.features) {
      const offline = [...table.getChild(name)!] as StoredValue[];
      expect([stored, name, all![`${stored}__${name}`]]).toEqual([stored, name, offline]);
      const inService = view === second ? undefined : offline;
      expect([stored, name, ofChurn![`${stored}__${name}`]]).toEqual([stored, name, inService]);
      compared += ids.length;
    }
  }
  expect(compared).toBe(everything.length * ids.length);
  expect(ids.length).toBeGreaterThan(150);
  const weeks = tables.at(-1)!.table.getChild('tenure_days')!;
  expect(ofSuccessor).toEqual({ customer_id: ids, customer_account_v2__tenure_days: [...weeks] });
});

it('reads by Feast every type, zero, null and extreme, under join keys of every kind', async () => {
  const features: FeatureView['features'] = [
    { name: 'd', type: 'double' },
    { name: 'f', type: 'float' },
    { name: 'l', type: 'int64' },
    { name: 'i', type: 'int32' },
    { name: 'b', type: 'bool' },
    { name: 's', type: 'string', description: 'Text with "quotes", ä€😀 and \\.', personal: true },
  ];
  const values: StoredValue[][] = [
    [0, 0, 0, 0, false, ''],
    [null, null, null, null, null, null],
    [-1e-310, 1.5, 2n ** 53n + 1n, -(2 ** 31), true, 'ä€😀'],
    [1e308, -0.25, -(2n ** 63n), 2 ** 31 - 1, true, ' '],
    [0.1, 2 ** -149, 2n ** 63n - 1n, -1, false, 'a\n"b"'],
  ];
  const keyed = (name: string, joinKeys: FeatureView['entity']['joinKeys']): FeatureView => ({
    ...customerActivity,
    name,
    entity: { name, joinKeys },
    features,
  });
  const cases: { view: FeatureView; entities: Record<string, string | number>[] }[] = [
    {
      view: keyed('by_number', [{ name: 'odd_id', type: 'int64' }]),
      entities: values.map((_, index) => ({ odd_id: index - 1 })),
    },
    {
      view: keyed('by_short_number', [{ name: 'odd_id', type: 'int32' }]),
      entities: values.map((_, index) => ({ odd_id: index - 1 })),
    },
    {
      // Feast sorts join keys by name; the declaration does not have to.
      view: keyed('by_several', [
        { name: 'region_id', type: 'int64' },
        { name: 'customer_id', type: 'string' },
        { name: 'day', type: 'int32' },
      ]),
      entities: values.map((_, index) => ({ region_id: index, customer_id: `C${index % 2}`, day: -index })),
    },
  ];
  for (const { view, entities } of cases)
    await online().write(
      view,
      entities.map((entity, index) => row(entity, values[index]!)),
    );
  const feast = await startFeast(stage, { name: 'feast-odd', views: cases.map(({ view }) => view) });
  const answers = (await feast.ask(
    ...cases.map(({ view, entities }) => ({
      do: 'online' as const,
      features: features.map(({ name }) => `${view.name}:${name}`),
      entities,
    })),
  )) as Record<string, StoredValue[]>[];
  for (const [index, { view }] of cases.entries()) {
    for (const [column, { name }] of features.entries()) {
      const read = answers[index]![`${view.name}__${name}`];
      expect([view.name, name, read]).toEqual([view.name, name, values.map((one) => one[column])]);
    }
  }
});
