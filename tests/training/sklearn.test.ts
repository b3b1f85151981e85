import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingReport } from '../../contracts/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { findTestTools } from '../support/tools';
import {
  layChannels,
  loadPackaged,
  runProgram,
  runTraining,
  type TrainingRun,
} from '../support/training-program';

// A machine shared with others may take many times what a quiet one takes.
jest.setTimeout(120_000);

const CLASSIFIER = ['confusion_matrix.png', 'loss_curves.png', 'precision_recall_curve.png', 'roc_curve.png'];
const REGRESSOR = ['loss_curves.png', 'predictions.png'];
/** The label as a number: what leaves costs, and luck. */
const NUMBERS = `SELECT * REPLACE (label * 10 + coalesce(tenure, 0) / 3.0 + (hash(customer_id) % 100) / 50.0 AS label)
  FROM (${madeUpCustomers(1500)})`;

let base: string;
const picturesOf = (folder: string) => readdirSync(join(folder, 'model', 'pictures')).sort();
const report = () => JSON.parse(readFileSync(join(base, 'model', 'training.json'), 'utf8')) as TrainingReport;
const sklearn = async (folder: string, args: string[]): Promise<TrainingRun> =>
  runProgram(
    join((await findTestTools()).sklearn, 'bin', 'python'),
    'models/tabular/train_sklearn.py',
    folder,
    args,
  );

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'meridian-sklearn-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('the training program of scikit-learn', () => {
  it.each([
    ['hist-gradient-boosting', ['--max_iter', '40', '--learning_rate', '0.2'], CLASSIFIER],
    ['random-forest', ['--n_estimators', '20'], [...CLASSIFIER, 'feature_importance.png'].sort()],
    ['linear', [], CLASSIFIER],
  ])(
    'leaves a classifier by %s that serving loads, and pictures of it',
    async (estimator, args, pictures) => {
      await layChannels(base, madeUpCustomers(1500), madeUpInputs);
      expect(await sklearn(base, ['--estimator', estimator, ...args])).toMatchObject({
        status: 0,
        failure: null,
      });
      expect(picturesOf(base)).toEqual(pictures);
      expect(report().metrics['auc']).toBeGreaterThan(0.65);
      const model = await loadPackaged(join(base, 'model'), 'made-up', 'made-up-v1.0.0');
      expect(model.kind).toBe('tabular-classifier');
      await model.release();
    },
  );

  it.each([
    ['hist-gradient-boosting', ['--max_iter', '40', '--learning_rate', '0.2'], REGRESSOR],
    ['random-forest', ['--n_estimators', '20'], ['feature_importance.png', ...REGRESSOR]],
    ['linear', [], REGRESSOR],
  ])('leaves a regressor by %s that serving loads, and pictures of it', async (estimator, args, pictures) => {
    await layChannels(base, NUMBERS, madeUpInputs, 'tabular-regressor');
    expect(await sklearn(base, ['--estimator', estimator, ...args])).toMatchObject({
      status: 0,
      failure: null,
    });
    expect(picturesOf(base)).toEqual(pictures);
    expect(report().metrics['r2']).toBeGreaterThan(0.4);
    await expectServingToAnswerAlike();
  });

  it('trains to its end where no picture can be drawn, and says so', async () => {
    await layChannels(base, madeUpCustomers(400), madeUpInputs);
    mkdirSync(join(base, 'model'), { recursive: true });
    writeFileSync(join(base, 'model', 'pictures'), 'a file where the folder should be');
    const { status, failure, log } = await sklearn(base, ['--estimator', 'linear']);
    expect({ status, failure }).toEqual({ status: 0, failure: null });
    for (const picture of ['confusion_matrix', 'roc', 'precision_recall', 'loss_curves'])
      expect(log).toContain(`picture left out: draw_${picture}: FileExistsError`);
    expect(report().rows['test']).toBeGreaterThan(0);
  });
});

describe('the training program of XGBoost', () => {
  it('leaves a regressor that serving loads, and pictures of it', async () => {
    await layChannels(base, NUMBERS, madeUpInputs, 'tabular-regressor');
    const run = await runTraining(base, ['--num_round', '60', '--learning_rate', '0.2']);
    expect(run).toMatchObject({ status: 0, failure: null });
    expect(picturesOf(base)).toEqual(['feature_importance.png', ...REGRESSOR]);
    expect(report().metrics['r2']).toBeGreaterThan(0.5);
    await expectServingToAnswerAlike();
  });
});

/** The error that the program reports of the held-out rows is that of what serves. */
async function expectServingToAnswerAlike(): Promise<void> {
  const model = await loadPackaged(join(base, 'model'), 'made-up', 'made-up-v1.0.0');
  if (model.kind !== 'tabular-regressor') throw new Error(`found a ${model.kind}`);
  const table = await readParquetAsArrow(join(base, 'input/data/test/test.parquet'));
  const answers = await model.scoreTable(table);
  const squares = Array.from(answers, (value, row) => (value - table.getChild('label')!.get(row)) ** 2);
  const rmse = Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length);
  expect(rmse).toBeCloseTo(report().metrics['rmse']!, 3);
  await model.release();
}
