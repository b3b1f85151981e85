import { join } from 'node:path';
import { createFeatureActivities } from '../../activities/features';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { customerActivity } from '../../features';
import { serviceOf } from '../../features/services';
import { layDownSampleData } from '../../local/sample';
import { churn } from '../../models/churn/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { createOnlineStore, type StoredValue } from '../../platform/online-store';
import { askFeast, type FeastRequest } from './feast-client';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
/** An instant with microseconds, in microseconds. */
const MOMENT = 1_700_000_000_123_456n;

jest.setTimeout(240_000);

/** The second version retypes a feature and has one more; models of the first go on reading theirs. */
const [account] = churn.views as [FeatureView];
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
const loaded = [...churn.views, second];
const successor = serviceOf({
  ...churn,
  name: 'successor',
  views: [second],
  inputs: [{ name: 'tenure', view: second.name, feature: 'tenure_days', type: 'number' }],
});

/** A feature of each type. */
const typed: FeatureView['features'] = [
  { name: 'd', type: 'double' },
  { name: 'f', type: 'float' },
  { name: 'l', type: 'int64' },
  { name: 'i', type: 'int32' },
  { name: 'b', type: 'bool' },
  { name: 's', type: 'string', description: 'Text with "quotes", ä€😀 and \\.', personal: true },
];
const odd: StoredValue[][] = [
  [0, 0, 0, 0, false, ''],
  [null, null, null, null, null, null],
  [-1e-310, 1.5, 2n ** 53n + 1n, -(2 ** 31), true, 'ä€😀'],
  [1e308, -0.25, -(2n ** 63n), 2 ** 31 - 1, true, ' '],
  [0.1, 2 ** -149, 2n ** 63n - 1n, -1, false, 'a\n"b"'],
];
interface Keyed {
  view: FeatureView;
  /** One for each row of `odd`. */
  entities: Record<string, string | number>[];
}
const keyed = (
  name: string,
  joinKeys: FeatureView['entity']['joinKeys'],
  entityOf: (index: number) => Keyed['entities'][0],
): Keyed => ({
  view: { ...customerActivity, name, entity: { name, joinKeys }, features: typed },
  entities: odd.map((_, index) => entityOf(index)),
});
const ofEveryKind: Keyed[] = [
  // As text, which both convert: JSON's numbers end at 2^53.
  keyed('by_number', [{ name: 'odd_id', type: 'int64' }], (index) => ({
    odd_id: String(2n ** 53n + 1n - BigInt(index)),
  })),
  keyed('by_short_number', [{ name: 'odd_id', type: 'int32' }], (index) => ({ odd_id: index - 1 })),
  // Feast sorts join keys by name; a declaration does not have to.
  keyed(
    'by_several',
    [
      { name: 'region_id', type: 'int64' },
      { name: 'customer_id', type: 'string' },
      { name: 'day', type: 'int32' },
    ],
    (index) => ({ region_id: index, customer_id: `C${index % 2}`, day: -index }),
  ),
];

let stage: Stage;
let tables: { view: FeatureView; name: string; column: (name: string) => StoredValue[] }[];
let ids: string[];
let answers: Record<string, StoredValue[]>[];

beforeAll(async () => {
  stage = await setStage();
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
  const { computeFeatures, materializeView } = createFeatureActivities(stage);
  for (const view of loaded) {
    await stage.run(computeFeatures, { view, days: [day] });
    await stage.run(materializeView, { view, asOf: day, runKey: 'test' });
  }
  tables = await Promise.all(loaded.map(readPartition));
  ids = tables[0]!.column('customer_id') as string[];
  for (const { view, entities } of ofEveryKind) {
    await createOnlineStore(stage.redis, 'meridian').write(
      view,
      entities.map((entity, index) => ({
        entity,
        eventTimestamp: MOMENT,
        createdTimestamp: MOMENT,
        values: odd[index]!,
      })),
    );
  }
  const entities = ids.map((id) => ({ customer_id: id }));
  const online = (features: string | string[]): FeastRequest => ({ do: 'online', features, entities });
  answers = (await askFeast(
    stage,
    {
      views: [...loaded, ...ofEveryKind.map(({ view }) => view)],
      services: [serviceOf(churn), successor],
    },
    [
      online(loaded.flatMap(references)),
      online('churn'),
      online('successor'),
      ...ofEveryKind.map(({ view, entities: theirs }) => ({
        do: 'online' as const,
        features: references(view),
        entities: theirs,
      })),
    ],
  )) as Record<string, StoredValue[]>[];
}, 240_000);
afterAll(() => stage?.tearDown());

const references = (view: FeatureView): string[] =>
  view.features.map(({ name }) => `${storedName(view)}:${name}`);

async function readPartition(view: FeatureView): Promise<(typeof tables)[0]> {
  const name = storedName(view);
  const path = join(stage.folder, `${name}.parquet`);
  await stage.store.download(`features/${name}/dt=${day}/part-0.parquet`, path);
  const table = await readParquetAsArrow(path);
  return { view, name, column: (column) => [...table.getChild(column)!] as StoredValue[] };
}

it('the real Feast reads every value that was materialized, of every version there is', () => {
  expect(ids.length).toBeGreaterThan(150);
  let compared = 0;
  for (const { view, name: stored, column } of tables) {
    expect(column('customer_id')).toEqual(ids);
    for (const { name } of view.features) {
      expect([stored, name, answers[0]![`${stored}__${name}`]]).toEqual([stored, name, column(name)]);
      compared += ids.length;
    }
  }
  expect(compared).toBe(loaded.flatMap(references).length * ids.length);
});

it('reads by a model’s feature service what the model uses, in the version it uses', () => {
  const [, ofChurn, ofSuccessor] = answers;
  const expected = tables
    .filter(({ view }) => view !== second)
    .flatMap(({ view, name: stored, column }) =>
      view.features.map(({ name }) => [`${stored}__${name}`, column(name)]),
    );
  expect(ofChurn).toEqual({ customer_id: ids, ...Object.fromEntries(expected) });
  expect(ofSuccessor).toEqual({
    customer_id: ids,
    customer_account_v2__tenure_days: tables.at(-1)!.column('tenure_days'),
  });
});

it.each(ofEveryKind.map(({ view }, index) => [view.name, index] as const))(
  'reads every type, zero, null and extreme, %s',
  (view, index) => {
    for (const [column, { name }] of typed.entries()) {
      const read = answers[3 + index]![`${view}__${name}`];
      expect([name, read]).toEqual([name, odd.map((row) => row[column])]);
    }
  },
);
