import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import type {
  Baseline,
  GoldenRows,
  MetricLine,
  TextGoldenRow,
  TextSignature,
  TrainingReport,
} from '../../contracts/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { projectRoot } from '../../platform/project-root';
import { freePort } from '../support/servers';
import {
  channelFolder,
  layTextChannels,
  runTextJob,
  torchPython,
  type TextJobEnd,
} from '../support/text-job';
import { loadPackaged } from '../support/training-program';
import { writeTinyBert } from '../support/tiny-bert';

// A quiet machine takes a tenth of it; one shared with others may take all.
jest.setTimeout(900_000);

const CLASSES = ['card', 'größe, "quoted"', 'refund'];
const WORDS = [
  'card',
  'lost',
  'declined',
  'size',
  'too',
  'large',
  'small',
  'money',
  'back',
  'refund',
  'please',
];
const FILES = [
  'baseline.json',
  'golden.json',
  'metrics.jsonl',
  'model.onnx',
  ...['confusion_matrix', 'loss_curves', 'precision_recall_curve', 'roc_curve'].map(
    (name) => `pictures/${name}.png`,
  ),
  'signature.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'training.json',
];
/** What two trainings of the same input have the same bytes of; the rest tells times. */
const REPEATABLE = FILES.filter((file) => !/^(metrics|training)\./.test(file));
const QUICK = {
  epochs: 3,
  batch_size: 16,
  learning_rate: 0.003,
  head_learning_rate: 0.02,
  log_every: 1,
  max_tokens: 24,
};

/** Three classes of texts that say one of their words; the longest is 100 kB, and one has no word. */
const madeUpTexts = (rows: number): string => `
  SELECT 'e' || i AS event_id, (i % 3)::INTEGER AS label,
    CASE WHEN i = 0 THEN repeat('my card is lost ', 6400) WHEN i = 30 THEN ''
      ELSE ['please ', 'hello ', 'Füße 😀 ', ''][1 + (i // 3) % 4]
        || [['card lost', 'card declined', 'my card'], ['size too large', 'too small', 'the size'],
            ['money back', 'refund please', 'refund my money']][1 + i % 3][1 + (i // 12) % 3] || ' ' || (i // 36) END AS text,
    CASE WHEN i % 5 = 3 THEN 'test' WHEN i % 7 = 3 THEN 'validation' ELSE 'train' END AS split
  FROM range(${rows}) AS t(i)`;

const folders: string[] = [];
const container = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-text-training-'));
  folders.push(folder);
  return folder;
};
/** A container that holds what the channels of another brought, and nothing else. */
const copyOf = (base: string): string => {
  const folder = container();
  cpSync(join(base, 'input'), join(folder, 'input'), { recursive: true });
  return folder;
};

let base: string;
let end: TextJobEnd;
const modelFile = (of: string, file: string) => readFileSync(join(of, 'model', file));
const json = <T>(file: string, of = base) => JSON.parse(modelFile(of, file).toString('utf8')) as T;
const filesOf = (of: string): string[] =>
  readdirSync(join(of, 'model'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(join(of, 'model'), join(parentPath, name)))
    .sort();
const stepsOf = (of: string) =>
  modelFile(of, 'metrics.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MetricLine);

/** Every file that repeats has the bytes of the training without a break. */
function expectTheSame(of: string): void {
  const differ = REPEATABLE.filter((file) => !modelFile(of, file).equals(modelFile(base, file)));
  expect(differ).toEqual([]);
}

async function load(of: string) {
  const model = await loadPackaged(join(of, 'model'), 'texts', 'texts-v1.0.0');
  if (model.kind !== 'text-classifier') throw new Error(`found a ${model.kind}`);
  return model;
}

beforeAll(async () => {
  base = container();
  await layTextChannels(base, madeUpTexts(360), CLASSES);
  writeTinyBert(channelFolder(base, 'base-model'), WORDS);
  end = await runTextJob({ base, hyperparameters: QUICK });
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('the training program of texts', () => {
  it('ends well and leaves exactly the files of an artifact', () => {
    expect(end).toMatchObject({ code: 0, failure: null });
    expect(filesOf(base)).toEqual(FILES);
  });

  it('logs each step for people, and the same as JSON lines', () => {
    const steps = stepsOf(base);
    const losses = steps.filter(({ metrics }) => 'train-loss' in metrics);
    const { steps: count } = json<TrainingReport & { steps: number }>('training.json');
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: count }, (_, step) => step + 1));
    for (const { step, metrics } of steps) {
      const text = Object.entries(metrics).map(([name, value]) => `${name}=${value.toFixed(6)}`);
      expect(end.lines).toContain(`[${step}] ${text.join(' ')}`);
    }
    const epochs = steps.filter(({ metrics }) => 'validation-macroF1' in metrics);
    expect(epochs.map(({ step }) => step)).toEqual([count / 3, (2 * count) / 3, count]);
    const { bestIteration } = json<TrainingReport>('training.json');
    const scores = epochs.map(({ metrics }) => metrics['validation-macroF1']!);
    expect(scores[bestIteration]).toBe(Math.max(...scores));
    // A search goes by the last value printed, which is that of the epoch that is kept.
    const kept = epochs[bestIteration]!.metrics['validation-loss']!;
    const printed = [...end.lines.join('\n').matchAll(/\bvalidation-loss=([0-9.]+)/g)].at(-1)!;
    expect(Number(printed[1])).toBeCloseTo(kept, 6);
  });

  it('learns, keeps int8 only where it costs less than 0.01 of macro-F1, and reports both', () => {
    const report = json<TrainingReport>('training.json');
    expect(report.rows).toEqual({ train: 248, validation: 40, test: 72 });
    expect(report.metrics).toMatchObject({ accuracy: expect.any(Number) });
    expect(report.metrics['accuracy']).toBeGreaterThan(0.9);
    expect(Object.keys(report.metrics)).toEqual(
      expect.arrayContaining(['macroF1', 'weightedF1', 'logLoss', ...CLASSES.map((name) => `f1.${name}`)]),
    );
    expect(report.parity).toMatchObject({ rows: 72 });
    expect(report.parity.maxDifference).toBeLessThan(1e-4);
    const { fp32, int8, drop, accepted, limit } = report.quantisation!;
    expect(limit).toBe(0.01);
    expect(drop).toBeCloseTo(fp32.macroF1 - int8.macroF1, 12);
    expect(accepted).toBe(drop < limit);
    expect(modelFile(base, 'model.onnx').length).toBe((accepted ? int8 : fp32).bytes);
  });

  it('gives an artifact that serving loads: the same ids by another tokenizer, the same answers to every golden row', async () => {
    const golden = json<GoldenRows<TextGoldenRow>>('golden.json');
    expect(golden.rows.length).toBeGreaterThanOrEqual(32);
    for (const hostile of ['', '\u0000', 'x'.repeat(5000)])
      expect(golden.rows.map(({ text }) => text)).toContain(hostile);
    expect(Math.max(...golden.rows.map(({ ids }) => ids.length))).toBe(QUICK.max_tokens);
    const signature = json<TextSignature>('signature.json');
    expect(signature).toMatchObject({
      kind: 'text-classifier',
      inputs: [{ name: 'text', type: 'text' }],
      tokenizer: { maxTokens: QUICK.max_tokens, padId: 0 },
      classes: CLASSES,
    });
    const model = await load(base);
    const table = await readParquetAsArrow(join(base, 'input/data/test/test.parquet'));
    const scores = await model.scoreTable(table);
    const right = Array.from({ length: table.numRows }, (_, row) => {
      const own = Array.from(scores.slice(row * 3, row * 3 + 3));
      expect(own.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5);
      return own.indexOf(Math.max(...own)) === table.getChild('label')!.get(row);
    });
    const accuracy = right.filter(Boolean).length / right.length;
    expect(accuracy).toBeCloseTo(json<TrainingReport>('training.json').metrics['accuracy']!, 1);
    await model.release();
  });

  it('describes the training rows: how long their texts are, and their classes', () => {
    const { rows, features, prediction, label } = json<Baseline>('baseline.json');
    expect(rows).toBe(248);
    expect(features['text']).toMatchObject({ type: 'text', count: 248, nulls: 0 });
    expect(Math.max(...features['text']!.characters!.sample!)).toBe(6400 * 'my card is lost '.length);
    expect(Math.min(...features['text']!.characters!.sample!)).toBe(0);
    expect(Math.max(...features['text']!.tokens!.sample!)).toBe(QUICK.max_tokens);
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);
    for (const column of [label!, prediction]) {
      expect(Object.keys(column.categories!)).toEqual(CLASSES);
      expect(sum(column.categories!)).toBe(248);
    }
  });

  it('goes on from a checkpoint after a kill, to the very bytes of a training without a break', async () => {
    const broken = copyOf(base);
    const env = { MERIDIAN_CHECKPOINT_SECONDS: '0' };
    const first = await runTextJob({ base: broken, hyperparameters: QUICK, env, killAt: /^\[20\]/ });
    expect(first.code).toBeNull();
    // What an instance that was taken away leaves: its checkpoints alone.
    rmSync(join(broken, 'model'), { recursive: true });
    const second = await runTextJob({ base: broken, hyperparameters: QUICK, env });
    expect(second.code).toBe(0);
    const resumed = Number(/^resumed from step (\d+)$/m.exec(second.lines.join('\n'))![1]);
    expect(resumed).toBeGreaterThanOrEqual(19);
    const again = second.lines.flatMap((line) => /^\[(\d+)\] train-loss/.exec(line)?.[1] ?? []);
    expect(Number(again[0])).toBe(resumed + 1);
    expect(stepsOf(broken).map(({ step, metrics }) => ({ step, metrics }))).toEqual(
      stepsOf(base).map(({ step, metrics }) => ({ step, metrics })),
    );
    expectTheSame(broken);
  });

  it('trains on two hosts together, of which the first leaves the artifact', async () => {
    const hosts = ['algo-1', 'algo-2'];
    const meeting = { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) };
    const jobs = hosts.map((host) => ({
      base: copyOf(base),
      hyperparameters: { ...QUICK, batch_size: 8 },
      env: { ...meeting, SM_HOSTS: JSON.stringify(hosts), SM_CURRENT_HOST: host },
    }));
    const [first, second] = await Promise.all(jobs.map(runTextJob));
    expect([first!.failure, second!.failure]).toEqual([null, null]);
    expect(first!.lines).toContain('host 1 of 2, on cpu');
    expect(filesOf(jobs[0]!.base)).toEqual(FILES);
    expect(filesOf(jobs[1]!.base)).toEqual([]);
    const report = json<TrainingReport & { hosts: number; steps: number }>('training.json', jobs[0]!.base);
    expect(report.hosts).toBe(2);
    // Two halves of a batch are one step: as many as one host takes with batches of twice the size.
    expect(report.steps).toBe(json<{ steps: number }>('training.json').steps);
    expect(report.metrics['accuracy']).toBeGreaterThan(0.9);
  });
});

describe('the training program of texts on bad input', () => {
  const good = madeUpTexts(90);
  const changed = (sql: string) => `SELECT * REPLACE (${sql}) FROM (${good})`;
  type Case = {
    what: string;
    query?: string;
    classes?: string[];
    args?: string[];
    change?: (folder: string) => void;
    message: RegExp;
  };
  const baseModel = (folder: string, file: string) => join(folder, 'input/data/base-model', file);
  const cases: Case[] = [
    {
      what: 'a class list that became shorter',
      classes: CLASSES.slice(0, 2),
      message: /^Split train, column label: found 2 \(\d+ rows\), expected 0 to 1: .*class list was changed/,
    },
    {
      what: 'a class without rows',
      classes: [...CLASSES, 'empty one'],
      message: /^Split train, column label: found no row of 1 of 4 classes \(empty one\)/,
    },
    {
      what: 'labels that are names',
      query: changed(`'card' AS label`),
      message: /^Split train, column label: found a column of type (large_)?string, expected integers/,
    },
    {
      what: 'an event in two splits',
      query: changed(`CASE WHEN event_id = 'e3' THEN 'e4' ELSE event_id END AS event_id`),
      message: /^Events: found 1 with more than one row, expected each event_id once\. They are e4 in /,
    },
    {
      what: 'a row without a text',
      query: changed(`nullif(text, '') AS text`),
      message: /^Split train, input text: found 1 rows without a text/,
    },
    {
      what: 'a text column of numbers',
      query: changed('1.5 AS text'),
      message: /^Split train, input text: found a column of type .*expected text/,
    },
    {
      what: 'more tokens than positions',
      args: ['--max_tokens', '65'],
      message: /^Hyperparameters: max_tokens is 65, expected 3 to 64/,
    },
    {
      what: 'more frozen layers than there are',
      args: ['--frozen_layers', '3'],
      message: /^Hyperparameters: frozen_layers is 3, expected 0 to 2/,
    },
    {
      what: 'a base model that answers no numbers',
      change: (folder) => {
        const config = baseModel(folder, 'config.json');
        writeFileSync(config, readFileSync(config, 'utf8').replace('1e-12', '-0.5'));
      },
      message: /^Step \d+: the loss became nan\. Lower learning_rate/,
    },
    {
      what: 'a base model without weights',
      change: (folder) => rmSync(baseModel(folder, 'model.safetensors')),
      message:
        /^Channel base-model: found no weights, expected one of .*It has config\.json, tokenizer\.json/,
    },
    {
      what: 'a base model whose weights are cut off',
      change: (folder) => {
        const file = baseModel(folder, 'model.safetensors');
        writeFileSync(file, readFileSync(file).subarray(0, 9000));
      },
      message: /^Channel base-model: found weights that cannot be read/,
    },
    {
      what: 'a base model without a tokenizer',
      change: (folder) => rmSync(baseModel(folder, 'tokenizer.json')),
      message: /^Channel base-model: found no tokenizer\.json/,
    },
    {
      what: 'a base model of another architecture',
      change: (folder) => writeFileSync(baseModel(folder, 'config.json'), '{"model_type": "gpt2"}'),
      message: /^Channel base-model, config\.json: found model_type 'gpt2', expected 'bert'/,
    },
  ];
  const failures = new Map<string, string>();

  beforeAll(async () => {
    const jobs: string[] = [];
    const bases: [what: string, folder: string][] = [];
    for (const { what, query = good, classes = CLASSES, args = [], change } of cases) {
      const folder = container();
      await layTextChannels(folder, query, classes);
      writeTinyBert(channelFolder(folder, 'base-model'), WORDS);
      change?.(folder);
      const job = join(folder, 'job.json');
      writeFileSync(job, JSON.stringify({ base: folder, arguments: ['--epochs', '1', ...args] }));
      jobs.push(job);
      bases.push([what, folder]);
    }
    const runner = join(projectRoot(), 'tests', 'support', 'run_jobs.py');
    const program = join(projectRoot(), 'models', 'event-classifier', 'train.py');
    await promisify(execFile)(await torchPython(), [runner, program, ...jobs], {
      env: { PATH: process.env['PATH'], SM_NUM_CPUS: '1', OMP_WAIT_POLICY: 'PASSIVE' },
    });
    for (const [what, folder] of bases) {
      failures.set(what, readFileSync(join(folder, 'output', 'failure'), 'utf8'));
      expect([what, readdirSync(join(folder, 'model')).includes('model.onnx')]).toEqual([what, false]);
    }
  });

  it.each(cases)('says what is wrong with $what', ({ what, message }) => {
    expect(failures.get(what)).toMatch(message);
  });
});
