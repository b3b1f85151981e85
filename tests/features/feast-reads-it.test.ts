import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createFeatureActivities } from '../../activities/features';
import type { FeatureView } from '../../contracts/model';
import { writeFeastRepo } from '../../features/feast-repo';
import { layDownSampleData } from '../../local/sample';
import { churn } from '../../models/churn/model';
import { createOnlineStore, type StoredValue } from '../../platform/online-store';
import { readParquetAsArrow } from '../../platform/arrow';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from '../support/tools';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
let stage: Stage;
let peers: string;

beforeAll(async () => {
  peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
  stage = await setStage();
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
}, 120_000);
afterAll(() => stage?.tearDown());

/** Answers of the real Feast, by column. */
async function askFeast(
  repo: string,
  service: string,
  entities: Record<string, unknown>[],
): Promise<Record<string, StoredValue[]>> {
  const env = { ...process.env, ...stage.env, FEAST_USAGE: 'False' };
  const script = join(projectRoot(), 'tests/features/read_with_feast.py');
  const call = promisify(execFile)(join(peers, 'bin/python'), [script, repo], { env, maxBuffer: 2 ** 26 });
  call.child.stdin!.end(JSON.stringify({ service, entities }));
  return JSON.parse((await call).stdout) as Record<string, StoredValue[]>;
}

async function feastApply(repo: string): Promise<void> {
  const env = { ...process.env, ...stage.env, FEAST_USAGE: 'False' };
  await promisify(execFile)(join(peers, 'bin/feast'), ['--chdir', repo, 'apply'], { env });
}

it('the real Feast reads every value that was materialized', async () => {
  const { computeFeatures, materializeView } = createFeatureActivities(stage);
  for (const view of churn.views) {
    await stage.run(computeFeatures, { view, days: [day] });
    const loaded = await stage.run(materializeView, { view, asOf: day, runKey: 'test' });
    expect(loaded.skipped).toBe(0);
    expect(loaded.written).toBe(loaded.entities);
  }
  const repo = join(stage.folder, 'feast');
  await writeFeastRepo({
    folder: repo,
    models: [churn],
    redisUrl: stage.redisUrl,
    bucket: stage.store.bucket,
    s3Endpoint: stage.env['AWS_ENDPOINT_URL_S3'],
  });
  await feastApply(repo);

  const offline = await Promise.all(
    churn.views.map(async (view) => {
      const path = join(stage.folder, `${view.name}.parquet`);
      await stage.store.download(`features/${view.name}/dt=${day}/part-0.parquet`, path);
      return { view, table: await readParquetAsArrow(path) };
    }),
  );
  const ids = [...offline[0]!.table.getChild('customer_id')!] as string[];
  const answer = await askFeast(
    repo,
    'churn',
    ids.map((id) => ({ customer_id: id })),
  );
  expect(answer['customer_id']).toEqual(ids);
  let compared = 0;
  for (const { view, table } of offline) {
    expect([...table.getChild('customer_id')!]).toEqual(ids);
    for (const { name } of view.features) {
      expect([name, answer[name]]).toEqual([name, [...table.getChild(name)!]]);
      compared += ids.length;
    }
  }
  expect(compared).toBeGreaterThan(28 * 150);
}, 180_000);

it('reads by Feast every type, zero, null and extreme', async () => {
  const view: FeatureView = {
    ...churn.views[0]!,
    name: 'odd_values',
    entity: {
      name: 'odd',
      joinKeys: [{ name: 'odd_id', type: 'int64' }],
    },
    features: [
      { name: 'd', type: 'double' },
      { name: 'f', type: 'float' },
      { name: 'l', type: 'int64' },
      { name: 'i', type: 'int32' },
      { name: 'b', type: 'bool' },
      { name: 's', type: 'string' },
    ],
  };
  const rows: StoredValue[][] = [
    [0, 0, 0, 0, false, ''],
    [null, null, null, null, null, null],
    [-1e-310, 1.5, -(2 ** 53) + 1, -(2 ** 31), true, 'ä€😀'],
    [1e308, -0.25, 2 ** 53 - 1, 2 ** 31 - 1, true, ' '],
  ];
  await createOnlineStore(stage.redis, 'meridian').write(
    view,
    rows.map((values, index) => ({
      entity: { odd_id: index - 1 },
      eventTimestamp: 1_700_000_000_000_000n,
      createdTimestamp: 1_700_000_000_000_000n,
      values,
    })),
  );
  const repo = join(stage.folder, 'feast-odd');
  const model = {
    ...churn,
    name: 'odd',
    views: [view],
    inputs: view.features.map(({ name }) => ({
      name,
      view: view.name,
      feature: name,
      type: 'number' as const,
    })),
  };
  await writeFeastRepo({
    folder: repo,
    models: [model],
    redisUrl: stage.redisUrl,
    bucket: stage.store.bucket,
    s3Endpoint: stage.env['AWS_ENDPOINT_URL_S3'],
  });
  // Feast looks into every source when it applies: there must be one.
  await stage.store.put(
    `features/${view.name}/dt=${day}/part-0.parquet`,
    await stage.store.get(`features/customer_account/dt=${day}/part-0.parquet`),
  );
  await feastApply(repo);
  const answer = await askFeast(
    repo,
    'odd',
    rows.map((_, index) => ({ odd_id: index - 1 })),
  );
  for (const [column, { name }] of view.features.entries()) {
    expect([name, answer[name]]).toEqual([name, rows.map((values) => values[column])]);
  }
}, 120_000);
