import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Baseline,
  GoldenRows,
  MetricLine,
  TabularSignature,
  TrainingReport,
} from '../../contracts/model';
import { measure, rank } from '../../activities/evaluation/kinds/binary';
import { readParquetAsArrow } from '../../platform/arrow';
import { literal, withDatabase } from '../../platform/duckdb';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { layChannels, loadPackaged, runTraining } from '../support/training-program';
import type { TrainingRun } from '../support/training-program';

// A machine shared with others may take many times what a quiet one takes.
jest.setTimeout(60_000);

const QUICK = ['--num_round', '60', '--learning_rate', '0.2'];
const FILES = [
  'baseline.json',
  'golden.json',
  'metrics.jsonl',
  'model.onnx',
  'model.ubj',
  ...['confusion_matrix', 'feature_importance', 'loss_curves', 'precision_recall_curve', 'roc_curve'].map(
    (name) => `pictures/${name}.png`,
  ),
  'signature.json',
  'training.json',
  'trees.json',
];

let base: string;
let run: TrainingRun;
const modelFile = (file: string) => readFileSync(join(base, 'model', file));
const json = <T>(file: string) => JSON.parse(modelFile(file).toString('utf8')) as T;
const split = (name: string) => join(base, 'input', 'data', name, `${name}.parquet`);

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'meridian-training-'));
  await layChannels(base, madeUpCustomers(3000), madeUpInputs);
  run = await runTraining(base, QUICK);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('the training program', () => {
  it('ends well and leaves exactly the files of an artifact', () => {
    expect(run).toMatchObject({ status: 0, failure: null });
    const left = readdirSync(join(base, 'model'), { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => statSync(join(base, 'model', name)).isFile()).sort()).toEqual(FILES);
  });

  it('logs each round for people, and the same as JSON lines', () => {
    const lines = modelFile('metrics.jsonl').toString().trim().split('\n');
    const steps = lines.map((line) => JSON.parse(line) as MetricLine);
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, step) => step));
    for (const { step, metrics, timestamp } of steps) {
      expect(timestamp).toBeGreaterThan(Date.parse('2025-01-01'));
      const text = Object.entries(metrics).map(([name, value]) => `${name}=${value.toFixed(6)}`);
      expect(run.log).toContain(`[${step}] ${text.join(' ')}\n`);
      expect(Object.keys(metrics).sort()).toEqual([
        'train-auc',
        'train-logloss',
        'validation-auc',
        'validation-logloss',
      ]);
    }
    const losses = steps.map(({ metrics }) => metrics['validation-logloss']!);
    const { bestIteration } = json<TrainingReport>('training.json');
    expect(losses[bestIteration]).toBe(Math.min(...losses));
  });

  it('prints the metrics of the round that is kept last: a search goes by them', () => {
    const [printed] = [...run.log.matchAll(/\bvalidation-logloss=([0-9.]+)/g)].slice(-1);
    const losses = modelFile('metrics.jsonl')
      .toString()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as MetricLine).metrics['validation-logloss']!);
    expect(losses.at(-1)).toBeGreaterThan(Math.min(...losses));
    expect(Number(printed![1])).toBeCloseTo(Math.min(...losses), 6);
  });

  it('reports what it did', async () => {
    const report = json<TrainingReport>('training.json');
    const counts = await withDatabase(async (database) => {
      const rows = async (name: string) =>
        (await database.row<{ n: number }>(`SELECT count(*) AS n FROM ${literal(split(name))}`)).n;
      return { train: await rows('train'), validation: await rows('validation'), test: await rows('test') };
    });
    expect(report.rows).toEqual(counts);
    expect(report.parity.rows).toBe(counts.test);
    expect(report.parity.maxDifference).toBeLessThan(1e-5);
    expect(report.hyperparameters).toMatchObject({ num_round: 60, learning_rate: 0.2, seed: 7 });
    expect(Object.keys(report.featureImportance)).toEqual(madeUpInputs.map(({ name }) => name));
    expect(report.environment.packages['xgboost-cpu']).toMatch(/^\d+\./);
    expect(report.environment.hardware).toMatchObject({
      cpus: 2,
      cpu: expect.stringMatching(/\S/),
      gpus: [],
    });
    expect(report.environment.hardware!.memoryBytes).toBeGreaterThan(2 ** 28);
  });

  it('signs the inputs in their declared order, with the categories of the training rows', () => {
    const signature = json<TabularSignature>('signature.json');
    expect(signature).toMatchObject({
      formatVersion: 1,
      kind: 'tabular-classifier',
      classes: ['stays', 'leaves'],
    });
    expect(signature.inputs).toEqual(
      madeUpInputs.map((input) =>
        input.type === 'category' ? { ...input, categories: ['basic', 'größe', 'plus', 'team'] } : input,
      ),
    );
  });

  it('keeps golden rows of every category, of nulls, and one without any value', () => {
    const { rows, tolerance } = json<GoldenRows>('golden.json');
    expect(rows.length).toBeGreaterThanOrEqual(50);
    expect(tolerance).toBe(1e-5);
    const plans = new Set(rows.map(({ features }) => features['plan']));
    expect(plans).toEqual(new Set(['basic', 'größe', 'plus', 'team', null]));
    for (const { name } of madeUpInputs)
      expect(rows.slice(0, -1).some(({ features }) => features[name] === null)).toBe(true);
    expect(Object.values(rows.at(-1)!.features)).toEqual([null, null, null, null]);
  });

  it('describes the training rows as DuckDB describes them', async () => {
    const { rows, features, prediction } = json<Baseline>('baseline.json');
    await withDatabase(async (database) => {
      await database.execute(`CREATE VIEW train AS SELECT * FROM ${literal(split('train'))}`);
      expect((await database.row<{ n: number }>('SELECT count(*) AS n FROM train')).n).toBe(rows);
      for (const name of ['tenure', 'usage_hours']) {
        const found = features[name]!;
        const expected = await database.row<Record<string, number>>(
          `SELECT count(${name}) AS count, count(*) - count(${name}) AS nulls, avg(${name}) AS mean,
            var_pop(${name}) AS variance, min(${name}) AS least, max(${name}) AS most FROM train`,
        );
        expect(found.type).toBe('number');
        expect([found.count, found.nulls]).toEqual([expected['count'], expected['nulls']]);
        expect(found.mean).toBeCloseTo(expected['mean']!, 9);
        expect(found.variance).toBeCloseTo(expected['variance']!, 6);
        const deciles = await database.rows<{ edge: number }>(
          `SELECT unnest(quantile_cont(${name}, [0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9])) AS edge FROM train`,
        );
        found.deciles!.forEach((edge, index) => expect(edge).toBeCloseTo(deciles[index]!.edge, 9));
        expect(found.sample).toHaveLength(1000);
        expect([found.sample![0], found.sample!.at(-1)]).toEqual([expected['least'], expected['most']]);
        expect(found.sample).toEqual(found.sample!.toSorted((a, b) => a - b));
      }
      for (const name of ['auto_renew', 'plan']) {
        const counts = await database.rows<{ value: string; n: number }>(
          `SELECT ${name}::VARCHAR AS value, count(*) AS n FROM train WHERE ${name} IS NOT NULL GROUP BY ALL`,
        );
        expect(features[name]!.categories).toEqual(
          Object.fromEntries(counts.map(({ value, n }) => [value, n])),
        );
      }
    });
    expect(prediction.count).toBe(rows);
    expect(prediction.mean).toBeGreaterThan(0);
    expect(prediction.mean).toBeLessThan(1);
  });

  it('gives an artifact that loads, and that scores the held-out rows as the program itself did', async () => {
    const model = await loadPackaged(join(base, 'model'), 'made-up', 'made-up-v1.0.0');
    const table = await readParquetAsArrow(split('test'));
    if (model.kind !== 'tabular-classifier') throw new Error(`a model of kind ${model.kind}`);
    const scores = await model.scoreTable(table);
    const labels = Uint8Array.from({ length: table.numRows }, (_, row) => table.getChild('label')!.get(row));
    const rows = {
      positive: labels,
      entity: Uint32Array.from(labels, (_, row) => row),
      entities: labels.length,
    };
    const { metrics } = measure(rank(scores, rows), new Uint8Array(labels.length).fill(1));
    const report = json<TrainingReport>('training.json');
    for (const name of ['auc', 'prAuc', 'logLoss', 'brier', 'accuracy'] as const)
      expect(metrics[name]).toBeCloseTo(report.metrics[name]!, 5);
    expect(metrics.auc).toBeGreaterThan(0.65);
    await model.release();
  });

  it('gives the same bytes for the same input, whether hyperparameters come as arguments or by SM_HPS', async () => {
    const again = mkdtempSync(join(tmpdir(), 'meridian-training-'));
    cpSync(join(base, 'input'), join(again, 'input'), { recursive: true });
    const { status } = await runTraining(again, [], { SM_HPS: '{"num_round": 60, "learning_rate": "0.2"}' });
    expect(status).toBe(0);
    for (const file of FILES.filter((name) => name !== 'metrics.jsonl'))
      expect([file, readFileSync(join(again, 'model', file)).equals(modelFile(file))]).toEqual([file, true]);
    rmSync(again, { recursive: true });
  });
});

describe('the training program on bad input', () => {
  const rows = (change: string) => `SELECT * ${change} FROM (${madeUpCustomers(200)})`;
  const cases: [what: string, query: string, args: string[], message: RegExp][] = [
    [
      'a missing column',
      rows('EXCLUDE (plan)'),
      [],
      /^Split train: found no column plan, expected one for each input/,
    ],
    [
      'a split without rows',
      `${rows('')} WHERE split <> 'validation'`,
      [],
      /^Split validation: found no rows/,
    ],
    ['one class', rows('REPLACE (0 AS label)'), [], /column label: found one class only \(0\) in \d+ rows/],
    [
      'labels of other values',
      rows('REPLACE (label * 2 AS label)'),
      [],
      /column label: found 2, expected 0 and 1 only/,
    ],
    [
      'unknown labels',
      rows('REPLACE (nullif(label, 0) AS label)'),
      [],
      /column label: found None, expected 0 and 1/,
    ],
    [
      'a column of a wrong type',
      rows('REPLACE (tenure::VARCHAR AS tenure)'),
      [],
      /^Split train, input tenure: found a column of type string, expected number\./,
    ],
    [
      'an infinite value',
      rows(`REPLACE ('inf'::DOUBLE AS usage_hours)`),
      [],
      /^Split train, input usage_hours: found the value ±inf, expected finite numbers/,
    ],
    [
      'an unknown hyperparameter',
      rows(''),
      ['--depth', '3'],
      /^Hyperparameters: .*--depth 3.* are max_depth, /,
    ],
    [
      'a hyperparameter that is no number',
      rows(''),
      ['--max_depth', 'deep'],
      /^Hyperparameters: .*max_depth.*'deep'/,
    ],
    ['a value that XGBoost refuses', rows(''), ['--subsample', '7'], /^XGBoostError: [^]*subsample/],
  ];

  it.each(cases)('says what is wrong with %s, and fails', async (_, query, args, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-training-'));
    await layChannels(folder, query, madeUpInputs);
    const { status, failure } = await runTraining(folder, args);
    expect(failure).toMatch(message);
    expect(status).toBe(1);
    expect(readdirSync(join(folder, 'model'))).not.toContain('model.onnx');
    rmSync(folder, { recursive: true });
  });

  it('says which channel or file it cannot read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-training-'));
    expect((await runTraining(folder)).failure).toMatch(/^Channel declaration: found no folder/);
    await layChannels(folder, rows(''), madeUpInputs);
    writeFileSync(join(folder, 'input', 'data', 'test', 'test.parquet'), 'no Parquet');
    expect((await runTraining(folder)).failure).toMatch(/^Split test, file test.parquet: expected Parquet/);
    rmSync(join(folder, 'input', 'data', 'test'), { recursive: true });
    mkdirSync(join(folder, 'input', 'data', 'test'));
    expect((await runTraining(folder)).failure).toMatch(/^Split test: found no Parquet file in its channel/);
    rmSync(folder, { recursive: true });
  });
});
