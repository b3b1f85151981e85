import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDatasetActivities } from '../../activities/datasets';
import { createFeatureActivities } from '../../activities/features';
import { validateModelDeclaration } from '../../contracts/generated/validators';
import type { SupervisedDeclaration } from '../../contracts/model';
import { parse } from '../../contracts/validate';
import { filesOf } from '../../local/main-job/trial';
import { importTable, importTexts } from '../../local/table';
import { setStage, type Stage } from '../features/stage';

const day = '2026-03-31';
jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

async function csv(name: string, lines: string[]): Promise<string> {
  const file = join(stage.folder, name);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function snapshotOf(declaration: SupervisedDeclaration) {
  const { labelEntities, snapshotDataset, validateSnapshot } = createDatasetActivities(stage);
  const { days } = await stage.run(labelEntities, { declaration, asOf: day });
  await stage.run(createFeatureActivities(stage).computeFeatures, { view: declaration.views[0]!, days });
  const request = { declaration, declarationHash: 'x', asOf: day, labelDays: days };
  const snapshot = await stage.run(snapshotDataset, request);
  await stage.run(validateSnapshot, { declaration, snapshot });
  return snapshot;
}

const numbers = Array.from({ length: 600 }, (_, i) => `K${i},${i % 7},${['a', 'b'][i % 2]},${i / 8}`);
const topics = ['refund', 'login', 'other topic'];
const texts = Array.from({ length: 300 }, (_, i) => `"It's number ${i}, really",${topics[i % 3]}`);

it('makes a regression of a numeric label', async () => {
  const file = await csv('prices.csv', ['id,x,kind,price', ...numbers]);
  const { declaration } = await importTable(stage.store, {
    file,
    entity: 'id',
    label: 'price',
    task: 'regression',
    estimator: 'sklearn',
    day,
  });
  expect(parse(validateModelDeclaration, 'declaration', declaration)).toEqual(declaration);
  expect(declaration).toMatchObject({ kind: 'tabular-regressor', training: { image: 'sklearn' } });
  expect(declaration.label).not.toHaveProperty('classes');
  const snapshot = await snapshotOf(declaration);
  expect(snapshot.rows.train + snapshot.rows.validation + snapshot.rows.test).toBe(600);
  expect(snapshot).not.toHaveProperty('positives');
});

it('makes a text classifier, each text once where nothing names the rows', async () => {
  const file = await csv('messages.csv', ['message,topic', ...texts, texts[4]!, '"without a label",']);
  const { declaration, rows, notes } = await importTexts(stage.store, {
    file,
    text: 'message',
    label: 'topic',
    day,
  });
  expect(parse(validateModelDeclaration, 'declaration', declaration)).toEqual(declaration);
  expect(declaration.label.classes).toEqual(['login', 'other topic', 'refund']);
  expect(declaration.gate.absolute).toEqual([{ metric: 'accuracy', min: 0.333 }]);
  expect(rows).toBe(301);
  expect(notes).toEqual([
    '1 rows repeat a text, which counts once.',
    '1 texts have no label, and nothing is learned of them.',
  ]);
  const snapshot = await snapshotOf(declaration);
  expect(snapshot.rows.train + snapshot.rows.validation + snapshot.rows.test).toBe(300);
  expect(Object.keys(snapshot.classes!.train)).toEqual(declaration.label.classes);
});

it.each([
  ['a text column that is not there', ['a,b', 'x,y'], { text: 'message' }, 'no column "message"'],
  ['a label column that is not there', ['a,b', 'x,y'], { label: 'topic' }, 'no column "topic"'],
  ['one class only', ['a,b', 'x,y', 'z,y'], {}, 'column b (the label): found 1 different values ("y")'],
  ['a blank text', ['a,b', 'x,y', ',z'], {}, 'column a (the text): found 1 blank values'],
  ['classes of too few rows', ['a,b', 'x,y', 'z,w'], {}, '2 classes of too few rows ("w" 1, "y" 1)'],
])('refuses %s, naming it, and writes nothing', async (_what, lines, change, message) => {
  const file = await csv('refused-texts.csv', lines);
  await expect(
    importTexts(stage.store, { file, text: 'a', label: 'b', day, ...change }),
  ).rejects.toMatchObject({ code: 'InvalidInput', message: expect.stringContaining(message) });
  expect(await stage.store.list('features/refused_texts/')).toEqual([]);
});

it.each([
  ['words', ['id,x,y', '1,2,3', '2,3,high'], 'column y (the label): found "high", expected finite numbers'],
  ['infinite numbers', ['id,x,y', '1,2,3', '2,3,inf'], 'found "inf", expected finite numbers'],
  ['the same number', ['id,x,y', '1,2,3', '2,3,3'], 'found 1 different values, expected numbers that differ'],
])('refuses %s as the label of a regression', async (_what, lines, message) => {
  const file = await csv('refused-numbers.csv', lines);
  const request = { file, entity: 'id', label: 'y', task: 'regression' as const, day };
  await expect(importTable(stage.store, request)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining(message),
  });
  expect(await stage.store.list('labels/refused-numbers/')).toEqual([]);
});

it('finds the files that a pattern names', async () => {
  const files = [await csv('cpu.csv', ['x']), await csv('cpu-2.csv', ['x'])];
  await csv('other.txt', ['x']);
  expect(await filesOf(join(stage.folder, 'cpu*.csv'))).toEqual(files.sort());
  expect(await filesOf(files[0]!)).toEqual([files[0]]);
  expect(await filesOf(join(stage.folder, 'none*.csv'))).toEqual([]);
});
