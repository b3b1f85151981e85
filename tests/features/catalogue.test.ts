import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { applyCommand } from '../../client/commands/apply';
import { featuresCommand } from '../../client/commands/features';
import { publishDeclaration } from '../../client/declarations';
import type { CatalogueRow, ViewDetails } from '../../client/feature-catalogue';
import type { Lineage } from '../../client/feature-lineage';
import { publishFeatureView } from '../../client/feature-views';
import { Key } from '../../contracts/ids';
import type { FeatureView, ModelDeclaration } from '../../contracts/model';
import { featureViews } from '../../features';
import type { Reuse, SearchHit } from '../../features/catalogue';
import { models } from '../../models';
import { churn } from '../../models/churn/model';
import { type } from '../support/command-line';
import { startTemporal, withWorkers } from '../support/workflow-environment';
import { mockActivities, type Calls } from '../workflows/activities';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

let stage: Stage;
let temporal: TestWorkflowEnvironment;
let declarationHash: string;

const features = (...args: string[]) => type(featuresCommand(), ...args);
const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await features(...args, '--json')) as T;

/** Seats in another type: a second version, which another model uses. */
const [account] = churn.views as [FeatureView];
const second: FeatureView = {
  ...account,
  version: 2,
  features: account.features.map((feature) =>
    feature.name === 'seats' ? { ...feature, type: 'int64' } : feature,
  ),
};
const expansion: ModelDeclaration = {
  ...churn,
  name: 'expansion',
  views: [second],
  inputs: ['seats', 'plan'].map((name) => ({ name, view: second.name, feature: name, type: 'number' })),
};

beforeAll(async () => {
  [stage, temporal] = await Promise.all([setStage(), startTemporal()]);
  Object.assign(process.env, {
    TEMPORAL_ADDRESS: temporal.address,
    REDIS_URL: stage.redisUrl,
    MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
  });
  delete process.env['MERIDIAN_FEAST_REPO'];
  const { store } = stage;
  declarationHash = (await publishDeclaration(store, churn)).hash;
  const artifactKey = `${Key.version('churn', 'churn-v1.0.0')}manifest.json`;
  const written: [string, object][] = [
    [
      artifactKey,
      { model: 'churn', version: 'churn-v1.0.0', provenance: { declarationHash, snapshot: 'abc' } },
    ],
    [
      Key.generation('churn', 1),
      { n: 1, production: { version: 'churn-v1.0.0', artifactKey }, variants: [] },
    ],
    [Key.releasePointer('churn'), { generation: 1, key: Key.generation('churn', 1) }],
    [
      `${Key.dataset('churn', 'abc')}manifest.json`,
      { snapshot: 'abc', declarationHash, window: { asOf: '2026-03-30' } },
    ],
    ['features/customer_usage/_watermark.json', { asOf: '2026-03-31', entities: 7, movedAt: 'then' }],
    [
      Key.partitionReport(churn.views[1]!, '2026-03-31'),
      { day: '2026-03-31', rows: 7, passed: true, checkedAt: 'then', checks: ['rows: 7'], findings: [] },
    ],
  ];
  for (const [key, body] of written) await store.put(key, JSON.stringify(body));
}, 120_000);
afterAll(async () => {
  await temporal?.teardown();
  await stage?.tearDown();
});

it('publishes views and models, and the repo for Feast', async () => {
  const folder = join(stage.folder, 'feast');
  const printed = JSON.parse(await type(applyCommand(), '--json', '--feast-repo', folder)) as {
    views: { view: string; change: string }[];
    models: { model: string; change: string }[];
  };
  const ofChurn = churn.views.map(({ name }) => name);
  expect(printed.views.map(({ view, change }) => [view, change])).toEqual(
    featureViews.map(({ name }) => [name, ofChurn.includes(name) ? 'unchanged' : 'created']),
  );
  expect(printed.models.map(({ model, change }) => [model, change])).toEqual(
    models.map(({ name }) => [name, name === 'churn' ? 'unchanged' : 'created']),
  );
  expect(existsSync(join(folder, 'definitions.py'))).toBe(true);
  await publishFeatureView(stage.store, second);
  await publishDeclaration(stage.store, expansion);
});

it('lists the views, how far they are loaded, and who uses them', async () => {
  const rows = await json<CatalogueRow[]>('list');
  expect(rows.map(({ view }) => view)).toEqual(featureViews.map(({ name }) => name).sort());
  const row = (view: string) => rows.find((one) => one.view === view);
  expect(row('customer_usage')).toEqual({
    view: 'customer_usage',
    version: 1,
    entity: 'customer',
    features: 10,
    online: true,
    ttlSeconds: 259_200,
    owner: 'growth-analytics',
    loadedUpTo: '2026-03-31',
    usedBy: ['churn'],
  });
  expect(row('customer_account')).toMatchObject({ version: 2, usedBy: ['churn', 'expansion'] });
  expect(row('customer_activity')).toMatchObject({ loadedUpTo: null, usedBy: [] });
  const lines = (await features('list')).trimEnd().split('\n');
  expect(lines).toHaveLength(1 + featureViews.length);
  expect(lines[0]).toMatch(/^VIEW +VERSION +ENTITY/);
});

it('shows everything about a view', async () => {
  const usage = await json<ViewDetails>('show', 'customer_usage');
  expect(usage).toMatchObject({
    definition: churn.views[1]!,
    versions: [1],
    watermark: { asOf: '2026-03-31' },
    services: [{ model: 'churn', version: 1 }],
    lastReport: { day: '2026-03-31', checks: ['rows: 7'] },
  });
  const printed = await features('show', 'customer_usage');
  for (const part of ['raw/usage/ (56 d)', 'WITH recent AS', 'rows: 7', 'max 7', 'used by churn'])
    expect(printed).toContain(part);
  const old = await json<ViewDetails>('show', 'customer_account', '--of-version', '1');
  expect(old).toMatchObject({ definition: { version: 1 }, versions: [1, 2], lastReport: null });
  expect(await features('show', 'customer_activity')).toContain('string (personal)');
});

it('finds views and features by their words', async () => {
  const hits = await json<SearchHit[]>('search', 'urgent', 'tickets');
  expect(hits.map(({ view, feature }) => `${view}:${feature}`)).toEqual([
    'customer_support:urgent_tickets_60d',
  ]);
  expect(await features('search', 'no such thing')).toBe('nothing found\n');
});

it('traces a feature from the raw tables to what was made of it', async () => {
  const seats = await json<Lineage>('lineage', 'customer_account:seats');
  expect(seats).toMatchObject({
    view: 'customer_account',
    version: 2,
    feature: 'seats',
    origin: 'computed',
    sources: [{ table: 'accounts', key: 'raw/accounts/', days: 1 }],
    offline: 'features/customer_account_v2/',
    models: [
      {
        model: 'churn',
        declared: { viewVersion: 1, features: ['seats'] },
        versions: [{ version: 'churn-v1.0.0', serving: 'production', viewVersion: 1, snapshot: 'abc' }],
        snapshots: [{ snapshot: 'abc', asOf: '2026-03-30', viewVersion: 1 }],
      },
      { model: 'expansion', declared: { viewVersion: 2 }, versions: [], snapshots: [] },
    ],
  });
  const region = await json<Lineage>('lineage', 'customer_account:region');
  expect(region.models.map(({ model }) => model)).toEqual(['churn']);
  const printed = await features('lineage', 'customer_account');
  expect(printed).toContain('goes into expansion (version 2): seats, plan');
  expect(await features('lineage', 'customer_activity')).toContain('pushed by others');
});

it('tells how many features more than one model uses', async () => {
  const reuse = await json<Reuse>('reuse');
  expect(reuse).toMatchObject({ used: 29, shared: 2, reuseRate: 2 / 29 });
  expect(reuse.unused.map(({ view }) => view)).toEqual([
    ...Array<string>(5).fill('customer_activity'),
    'event_text',
  ]);
  expect(await features('reuse')).toContain('reuse rate 6.9 %');
});

it.each([
  [['show', 'customer_usag'], /customer_usag.*published: customer_account, customer_activity/],
  [['show', 'customer_usage', '--of-version', '9'], /no version number 9 \(published: 1\)/],
  [['lineage', 'customer_usage:sesions'], /no feature "sesions": expected one of active_days_7d/],
  [['materialize', 'customer_usag'], /customer_usag.*published/],
])('says what is wrong with `features %s`', async (args, message) => {
  await expect(features(...args)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(message),
  });
});

describe('materialize', () => {
  const range = ['--from', '2026-03-01', '--to', '2026-03-31'];
  const id = 'materialize-features/2026-03-01..2026-03-31/customer_usage';

  it('starts the workflow under a name that says what it loads, and waits for it', async () => {
    const calls: Calls = [];
    const result = await withWorkers(temporal, mockActivities(calls), () =>
      json<{ workflowId: string; date: string; views: object[] }>('materialize', 'customer_usage', ...range),
    );
    expect(result).toMatchObject({ workflowId: id, date: '2026-03-31' });
    expect(calls.find(([name]) => name === 'viewsToLoad')?.[1]).toMatchObject({ views: ['customer_usage'] });
  });

  it('does not wait where it is told so, and never starts a second beside one that runs', async () => {
    const start = () =>
      json<{ workflowId: string }>('materialize', 'customer_usage', ...range, '--recompute', '--no-wait');
    expect(await start()).toEqual({ workflowId: `${id}/again` });
    const handle = temporal.client.workflow.getHandle(`${id}/again`);
    const { runId } = await handle.describe();
    await start();
    expect((await handle.describe()).runId).toBe(runId);
    await handle.terminate();
  });
});
