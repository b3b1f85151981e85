import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDatasetActivities } from '../../activities/datasets';
import { createFeatureActivities } from '../../activities/features';
import { publishDeclaration } from '../../client/declarations';
import { publishFeatureView } from '../../client/feature-views';
import { validateModelDeclaration } from '../../contracts/generated/validators';
import { parse } from '../../contracts/validate';
import { customerUsage } from '../../features';
import { importTable } from '../../local/table';
import { readParquetAsArrow } from '../../platform/arrow';
import { createOnlineStore } from '../../platform/online-store';
import { setStage, type Stage } from '../features/stage';

const day = '2026-03-31';
jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

async function csv(name: string, text: string): Promise<string> {
  const file = join(stage.folder, name);
  await writeFile(file, text);
  return file;
}

/** 1,000 rows: of each kind of column one. */
const kinds = (): string => {
  const rows = Array.from({ length: 1_000 }, (_, i) =>
    [
      `K${i}`,
      i % 7 === 0 ? ' ' : i / 4,
      i % 2 ? 'Yes' : 'No',
      i % 3 ? 'TRUE' : 'false',
      i % 5 === 0 ? '1' : '0',
      ['red', 'green', 'dark blue'][i % 3],
      `note ${i}`,
      '',
      'same',
      i % 4 === 0 ? 'bad' : 'good',
    ].join(','),
  );
  return ['id,amount,member,active,flag,colour,note,empty,constant,Outcome', ...rows, ''].join('\n');
};

it('tells numbers, booleans, categories and blanks by their values, and says what it leaves out', async () => {
  const file = await csv('Credit Risk.csv', kinds());
  const { declaration, rows, notes } = await importTable(stage.store, {
    file,
    entity: 'id',
    label: 'Outcome',
    day,
  });
  expect(rows).toBe(1_000);
  expect(parse(validateModelDeclaration, 'declaration', declaration)).toEqual(declaration);
  expect(declaration.name).toBe('credit-risk');
  expect(declaration.inputs.map(({ name, type }) => [name, type])).toEqual([
    ['amount', 'number'],
    ['member', 'boolean'],
    ['active', 'boolean'],
    ['flag', 'boolean'],
    ['colour', 'category'],
  ]);
  expect(notes.map((note) => note.split(' ')[0])).toEqual(['note', 'empty', 'constant']);
  // The rarer value is what is predicted.
  expect(declaration.label.classes).toEqual(['good', 'bad']);

  const path = join(stage.folder, 'features.parquet');
  await stage.store.download(`features/credit_risk/dt=${day}/part-0.parquet`, path);
  const table = await readParquetAsArrow(path);
  const k14 = ([...table.getChild('id')!] as string[]).indexOf('K14');
  const value = (name: string): unknown => table.getChild(name)!.get(k14);
  expect(['amount', 'member', 'active', 'flag', 'colour'].map(value)).toEqual([
    null,
    false,
    true,
    false,
    'dark blue',
  ]);
  expect(table.getChild('amount')!.nullCount).toBe(143);
});

it('goes through the same pipeline as a declared model, twice to the same snapshot', async () => {
  const file = await csv('again.csv', kinds());
  const { labelEntities, snapshotDataset, validateSnapshot } = createDatasetActivities(stage);
  const { computeFeatures, materializeView } = createFeatureActivities(stage);
  const once = async () => {
    const { declaration } = await importTable(stage.store, { file, entity: 'id', label: 'Outcome', day });
    const { days } = await stage.run(labelEntities, { declaration, asOf: '2026-04-15' });
    const view = declaration.views[0]!;
    const { partitions } = await stage.run(computeFeatures, { view, days });
    expect(partitions).toMatchObject([{ day, rows: 1_000, computed: false }]);
    const request = { declaration, declarationHash: 'x', asOf: '2026-04-15', labelDays: days };
    const snapshot = await stage.run(snapshotDataset, request);
    expect(await stage.run(validateSnapshot, { declaration, snapshot })).toMatchObject({ passed: true });
    return { view, snapshot };
  };
  const { view, snapshot } = await once();
  expect(snapshot.rows.train + snapshot.rows.validation + snapshot.rows.test).toBe(1_000);
  expect((await once()).snapshot).toEqual(snapshot);

  const loaded = await stage.run(materializeView, { view, asOf: '2026-04-15', runKey: 'test' });
  expect(loaded).toMatchObject({ entities: 1_000, written: 1_000 });
  const [colour] = await createOnlineStore(stage.redis, 'meridian').getOnlineFeatures({
    views: [view],
    features: [{ view: view.name, feature: 'colour' }],
    entity: { id: 'K14' },
  });
  expect(colour).toMatchObject({ status: 'PRESENT', value: 'dark blue' });
});

it('loads a changed table of the same day, and keeps one that has not changed', async () => {
  const { materializeView } = createFeatureActivities(stage);
  const bring = async (text: string) => {
    const file = await csv('corrected.csv', text);
    return importTable(stage.store, { file, entity: 'id', label: 'Outcome', day });
  };
  const objects = async () => [
    ...(await stage.store.list('features/corrected/dt=')),
    ...(await stage.store.list('labels/corrected/dt=')),
  ];
  const first = await bring(kinds());
  const before = await objects();
  expect((await bring(kinds())).delivery).toBe(first.delivery);
  expect(await objects()).toEqual(before);

  const view = first.declaration.views[0]!;
  const load = (runKey: string) => stage.run(materializeView, { view, asOf: day, runKey });
  expect(await load('first')).toMatchObject({ written: 1_000 });
  const changed = await bring(kinds().replace('K14, ', 'K14,99.5'));
  expect(changed.delivery).not.toBe(first.delivery);
  // The outcomes are as they were.
  expect((await objects())[1]).toEqual(before[1]);
  await load('second');
  const [amount] = await createOnlineStore(stage.redis, 'meridian').getOnlineFeatures({
    views: [view],
    features: [{ view: view.name, feature: 'amount' }],
    entity: { id: 'K14' },
  });
  expect(amount).toMatchObject({ status: 'PRESENT', value: 99.5 });

  // A column more.
  const wider = await bring(
    kinds()
      .replaceAll(/^(K\d*(\d)),/gm, '$1,$2,')
      .replace('id,', 'id,digit,'),
  );
  expect(wider.delivery).not.toBe(changed.delivery);
  expect(wider.declaration.inputs.map(({ name }) => name)).toContain('digit');
});

it.each([
  ['a missing entity column', 'id,x,y\n1,2,0\n', { entity: 'customer' }, 'no column "customer"'],
  ['a missing label column', 'id,x,y\n1,2,0\n', { label: 'churn' }, 'no column "churn"'],
  ['a repeated entity', 'id,x,y\n1,2,0\n1,3,1\n', {}, 'column id (the entity): found "1" 2 times'],
  ['a blank entity', 'id,x,y\n1,2,0\n ,3,1\n', {}, 'column id (the entity): found 1 blank values'],
  ['a label of three values', 'id,x,y\n1,2,0\n2,3,1\n3,4,2\n', {}, 'column y (the label): found 3 different'],
  ['a label of one value', 'id,x,y\n1,2,0\n2,3,0\n', {}, 'column y (the label): found 1 different'],
  ['no rows', 'id,x,y\n', {}, 'a header and no rows'],
  ['an empty file', '', {}, 'an empty file'],
  ['nothing to learn from', 'id,x,y\n1,2,0\n2,2,1\n', {}, 'no column to learn from'],
  ['a bad model name', 'id,x,y\n1,2,0\n2,3,1\n', { name: 'Not A Name' }, 'The model name "Not A Name"'],
])('refuses %s, naming it, and writes nothing', async (_what, text, change, message) => {
  const file = await csv('refused.csv', text);
  await expect(
    importTable(stage.store, { file, entity: 'id', label: 'y', day, ...change }),
  ).rejects.toMatchObject({ code: 'InvalidInput', message: expect.stringContaining(message) });
  expect(await stage.store.list('features/refused/')).toEqual([]);
});

it('refuses a file that is not there', async () => {
  const file = join(stage.folder, 'nowhere.csv');
  await expect(importTable(stage.store, { file, entity: 'id', label: 'y', day })).rejects.toMatchObject({
    code: 'InvalidInput',
    message: `${file}: found no such file.`,
  });
});

it('leaves the view of somebody else alone', async () => {
  await publishFeatureView(stage.store, customerUsage);
  const file = await csv('customer-usage.csv', kinds());
  await expect(importTable(stage.store, { file, entity: 'id', label: 'Outcome', day })).rejects.toMatchObject(
    {
      code: 'InvalidInput',
      message: expect.stringContaining('customer_usage, a view of growth-analytics'),
    },
  );
  expect(await stage.store.listFolders('features/customer_usage/')).toEqual([]);
});

it('raises the version where a table has lost a column, and keeps both versions apart', async () => {
  const request = { entity: 'id', label: 'Outcome', name: 'reshaped', day };
  const imported = async (text: string) => {
    const { declaration } = await importTable(stage.store, {
      ...request,
      file: await csv('reshaped.csv', text),
    });
    await publishDeclaration(stage.store, declaration);
    return { version: declaration.views[0]!.version, schemaVersion: declaration.schemaVersion };
  };
  const without = (column: number) =>
    kinds()
      .split('\n')
      .map((line) =>
        line
          .split(',')
          .toSpliced(column, line ? 1 : 0)
          .join(','),
      )
      .join('\n');
  expect(await imported(kinds())).toEqual({ version: 1, schemaVersion: 1 });
  expect(await imported(kinds())).toEqual({ version: 1, schemaVersion: 1 });
  expect(await imported(without(1))).toEqual({ version: 2, schemaVersion: 2 });
  expect(await imported(without(1))).toEqual({ version: 2, schemaVersion: 2 });
  expect((await stage.store.listFolders('features/')).filter((name) => name.startsWith('reshaped'))).toEqual([
    'reshaped',
    'reshaped_v2',
  ]);
});
