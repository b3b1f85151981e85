import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatasetActivities, type SnapshotRequest } from '../../activities/datasets';
import { splitOf } from '../../activities/datasets/split';
import { createFeatureActivities } from '../../activities/features';
import type { DatasetManifest, DatasetSnapshot, Split } from '../../contracts/dataset';
import { addDays } from '../../contracts/days';
import { mask } from '../../contracts/masking';
import type { SupervisedDeclaration } from '../../contracts/model';
import { layDownSampleData } from '../../local/sample';
import { churn } from '../../models/churn/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { literal, withDatabase } from '../../platform/duckdb';
import { projectRoot } from '../../platform/project-root';
import { setStage, type Stage } from '../features/stage';

const asOf = '2026-03-31';
const declaration: SupervisedDeclaration = { ...churn, dataset: { ...churn.dataset, minRows: 1_000 } };
const run = promisify(execFile);
const SPLITS: Split[] = ['train', 'validation', 'test'];

jest.setTimeout(60_000);

let stage: Stage;
let request: SnapshotRequest;
let snapshot: DatasetSnapshot;

beforeAll(async () => {
  stage = await setStage();
  await layDownSampleData(stage.store, { customers: 1_000, days: 180, endDate: asOf });
  const { labelEntities, snapshotDataset } = createDatasetActivities(stage);
  const { days } = await stage.run(labelEntities, { declaration, asOf });
  for (const view of declaration.views)
    await stage.run(createFeatureActivities(stage).computeFeatures, { view, days });
  request = { declaration, declarationHash: 'd'.repeat(64), asOf, labelDays: days };
  snapshot = await stage.run(snapshotDataset, request);
}, 180_000);
afterAll(() => stage?.tearDown());

async function read(split: Split, of = snapshot) {
  const path = join(stage.folder, `${of.snapshot}-${split}.parquet`);
  await stage.store.download(`${of.prefix}${split}/${split}.parquet`, path);
  return readParquetAsArrow(path);
}
const manifestOf = ({ prefix }: DatasetSnapshot) =>
  stage.store.getJson<DatasetManifest>(`${prefix}manifest.json`);

it('observes the days whose outcome is known, and labels them', async () => {
  expect(request.labelDays).toEqual(['2025-12-01', '2025-12-31', '2026-01-30', '2026-03-01']);
  const labelled = await stage.run(createDatasetActivities(stage).labelEntities, { declaration, asOf });
  const share = labelled.positives! / labelled.rows;
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.12);
});

it('holds what its manifest says, each entity in the split its hash gives it', async () => {
  const manifest = await manifestOf(snapshot);
  expect(manifest.window).toEqual({ asOf, days: request.labelDays });
  for (const split of SPLITS) {
    const table = await read(split);
    expect(table.schema.fields.map(({ name }) => name)).toEqual([
      'customer_id',
      'event_timestamp',
      ...declaration.inputs.map(({ name }) => name),
      'label',
    ]);
    expect(table.numRows).toBe(snapshot.rows[split]);
    const labels = [...table.getChild('label')!] as number[];
    expect(labels.reduce((a, b) => a + b, 0)).toBe(snapshot.positives![split]);
    const ids = new Set<string>(table.getChild('customer_id'));
    for (const id of ids) expect([id, splitOf(declaration.dataset, id)]).toEqual([id, split]);
    expect(manifest.splits[split]).toMatchObject({ rows: table.numRows });
  }
});

it('joins features of the observation day itself', async () => {
  const table = await read('test');
  expect(table.getChild('plan')!.nullCount).toBe(0);
  expect(table.getChild('active_days_28d')!.nullCount).toBe(0);
  const times = new Set(table.getChild('event_timestamp')! as Iterable<number>);
  expect([...times].sort((a, b) => a - b)).toEqual(
    request.labelDays.map((day) => Date.parse(`${day}T00:00:00Z`) + 86_400_000),
  );
});

it('is the same snapshot, byte for byte, when asked for again', async () => {
  const { labelEntities, snapshotDataset } = createDatasetActivities(stage);
  const before = await stage.store.list(snapshot.prefix);
  await stage.run(labelEntities, { declaration, asOf });
  expect(await stage.run(snapshotDataset, request)).toEqual(snapshot);
  expect(await stage.store.list(snapshot.prefix)).toEqual(before);
});

it('is the same snapshot in other processes, compiled, and with other numbers of threads', async () => {
  const before = await stage.store.list(snapshot.prefix);
  const program = join(projectRoot(), 'dist', 'tests', 'datasets', 'snapshot-process.js');
  for (const threads of ['1', '4']) {
    const { stdout } = await run(process.execPath, [program, threads, JSON.stringify(request)], {
      env: { ...process.env, ...stage.env },
    });
    expect(JSON.parse(stdout)).toEqual(snapshot);
  }
  expect(await stage.store.list(snapshot.prefix)).toEqual(before);
});

describe('split by time', () => {
  const byTime = (keepEntitiesApart: boolean): SupervisedDeclaration => ({
    ...declaration,
    dataset: {
      ...declaration.dataset,
      minRows: 100,
      split: { by: 'time', holdOutPeriods: 1, validationPeriods: 1, keepEntitiesApart },
    },
  });
  const build = (changed: SupervisedDeclaration) =>
    stage.run(createDatasetActivities(stage).snapshotDataset, { ...request, declaration: changed });
  const [first, second, third, fourth] = ['2025-12-01', '2025-12-31', '2026-01-30', '2026-03-01'];
  const days = { train: [first, second], validation: [third], test: [fourth] };
  const daysIn = async (split: Split, of: DatasetSnapshot): Promise<string[]> => {
    const times = (await read(split, of)).getChild('event_timestamp')! as Iterable<number>;
    const ends = [...new Set(times)].sort((a, b) => a - b);
    return ends.map((time) => addDays(new Date(time).toISOString().slice(0, 10), -1));
  };

  it('judges on the newest days, and every entity may be in every split', async () => {
    const changed = byTime(false);
    const built = await build(changed);
    for (const split of SPLITS) expect(await daysIn(split, built)).toEqual(days[split]);
    const total = (of: DatasetSnapshot) => of.rows.train + of.rows.validation + of.rows.test;
    expect(total(built)).toBe(total(snapshot));
    expect((await manifestOf(built)).splitRule).toMatchObject({ entitiesApart: false, days });
    const { validateSnapshot } = createDatasetActivities(stage);
    const report = await stage.run(validateSnapshot, { declaration: changed, snapshot: built });
    expect(report).toMatchObject({ passed: true, findings: [] });
    // The same splits, held to the entity rule: what that check finds, the time rule allows.
    const held = await stage.run(validateSnapshot, { declaration, snapshot: built }).catch(String);
    expect(held).toMatch(/entities lie in more than one split/);
  });

  it('keeps entities apart besides where that is declared', async () => {
    const changed = byTime(true);
    const built = await build(changed);
    for (const split of SPLITS) {
      expect(await daysIn(split, built)).toEqual(days[split]);
      const ids = new Set<string>((await read(split, built)).getChild('customer_id'));
      for (const id of ids) expect([id, splitOf(declaration.dataset, id)]).toEqual([id, split]);
    }
    const { validateSnapshot } = createDatasetActivities(stage);
    const report = await stage.run(validateSnapshot, { declaration: changed, snapshot: built });
    expect(report).toMatchObject({ passed: true, findings: [] });
  });

  it('fails splits whose times overlap', async () => {
    const { validateSnapshot } = createDatasetActivities(stage);
    await expect(stage.run(validateSnapshot, { declaration: byTime(false), snapshot })).rejects.toMatchObject(
      {
        code: 'DataQualityBreach',
        message: expect.stringMatching(/train reaches to 2026-03-02T.* before 2025-12-02T/),
      },
    );
  });
});

it('uses only what was known at a row’s time where that is declared', async () => {
  const changed = { ...declaration, dataset: { ...declaration.dataset, asKnown: true } };
  const built = await stage.run(createDatasetActivities(stage).snapshotDataset, {
    ...request,
    declaration: changed,
  });
  expect((await manifestOf(built)).asKnown).toBe(true);
  // The features were computed just now, long after the observations.
  for (const split of SPLITS) {
    const table = await read(split, built);
    expect(table.numRows).toBe(snapshot.rows[split]);
    for (const { name } of declaration.inputs) expect(table.getChild(name)!.nullCount).toBe(table.numRows);
  }
});

it('leaves out who has opted out, and is another snapshot then', async () => {
  const [out] = [...(await read('train')).getChild('customer_id')!] as string[];
  const path = join(stage.folder, 'opt-out.parquet');
  await writeOptOut(path, out!);
  const key = `raw/opt-outs/dt=${asOf}/part-1.parquet`;
  await stage.store.upload(path, key);
  const without = await stage.run(createDatasetActivities(stage).snapshotDataset, request);
  await stage.store.delete(key);
  expect(without.snapshot).not.toBe(snapshot.snapshot);
  const rows = (await read('train')).getChild('customer_id')!;
  const own = ([...rows] as string[]).filter((id) => id === out).length;
  expect(without.rows).toEqual({ ...snapshot.rows, train: snapshot.rows.train - own });
  const [before, after] = await Promise.all([manifestOf(snapshot), manifestOf(without)]);
  expect(after.optOuts.entities).toBe(before.optOuts.entities + 1);
});

it('passes its own checks, and keeps the report', async () => {
  const report = await stage.run(createDatasetActivities(stage).validateSnapshot, { declaration, snapshot });
  expect(report).toMatchObject({ passed: true, findings: [] });
  expect(report.checks).toBeGreaterThan(50);
  expect(await stage.store.getJson(`${snapshot.prefix}quality.json`)).toEqual(report);
});

it('fails a snapshot whose values break a declared check, and keeps that report too', async () => {
  const strict: SupervisedDeclaration = {
    ...declaration,
    views: declaration.views.map((view) => ({
      ...view,
      features: view.features.map((feature) =>
        feature.name === 'seats' ? { ...feature, checks: { max: 3 } } : feature,
      ),
    })),
  };
  await expect(
    stage.run(createDatasetActivities(stage).validateSnapshot, { declaration: strict, snapshot }),
  ).rejects.toMatchObject({
    code: 'DataQualityBreach',
    message: expect.stringMatching(/rows have a seats above 3 \(allowed: 0\)/),
  });
  expect(await stage.store.getJson(`${snapshot.prefix}quality.json`)).toMatchObject({ passed: false });
});

it('masks personal join keys in its findings', async () => {
  const personal: SupervisedDeclaration = {
    ...declaration,
    views: declaration.views.map((view) => ({
      ...view,
      entity: { ...view.entity, joinKeys: view.entity.joinKeys.map((key) => ({ ...key, personal: true })) },
      features: view.features.map((feature) =>
        feature.name === 'seats' ? { ...feature, checks: { max: 0 } } : feature,
      ),
    })),
  };
  const { validateSnapshot } = createDatasetActivities(stage);
  await expect(stage.run(validateSnapshot, { declaration: personal, snapshot })).rejects.toThrow(
    /seats above 0/,
  );
  const report = await stage.store.get(`${snapshot.prefix}quality.json`);
  const ids = new Set([...(await read('test')).getChild('customer_id')!] as string[]);
  const shown = report.toString();
  expect([...ids].filter((id) => shown.includes(id))).toEqual([]);
  expect([...ids].some((id) => shown.includes(mask(id)))).toBe(true);
});

it('refuses too few rows, and one class only', async () => {
  const { snapshotDataset } = createDatasetActivities(stage);
  await expect(
    stage.run(snapshotDataset, {
      ...request,
      declaration: { ...declaration, dataset: { ...declaration.dataset, minRows: 100_000 } },
    }),
  ).rejects.toMatchObject({
    code: 'DataQualityBreach',
    message: expect.stringContaining('at least 100000'),
  });
  const nobodyLeaves = {
    ...declaration,
    name: 'nobody-leaves',
    label: {
      ...declaration.label,
      transformation:
        'SELECT customer_id, 0 AS label FROM accounts WHERE dt = $day::DATE AND churned_on IS NULL',
    },
  };
  const { days } = await stage.run(createDatasetActivities(stage).labelEntities, {
    declaration: nobodyLeaves,
    asOf,
  });
  await expect(
    stage.run(snapshotDataset, { ...request, declaration: nobodyLeaves, labelDays: days }),
  ).rejects.toMatchObject({
    code: 'DataQualityBreach',
    message: expect.stringContaining('both classes'),
  });
});

it('names the view whose partitions are missing', async () => {
  const [first, ...others] = declaration.views;
  const uncomputed = { ...declaration, views: [{ ...first!, name: 'uncomputed' }, ...others] };
  await expect(
    stage.run(createDatasetActivities(stage).snapshotDataset, { ...request, declaration: uncomputed }),
  ).rejects.toMatchObject({
    code: 'MissingObject',
    message: expect.stringContaining('features/uncomputed/'),
  });
});

async function writeOptOut(path: string, customer: string): Promise<void> {
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT ${literal(customer)} AS customer_id) TO ${literal(path)} (FORMAT parquet)`,
    ),
  );
}
