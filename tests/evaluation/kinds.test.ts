import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createEvaluationActivities } from '../../activities/evaluation';
import type { DatasetManifest, DatasetSnapshot } from '../../contracts/dataset';
import type { Evaluation, EvaluationSummary } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration, ModelKind, TextSignature } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { createStack, type Stack } from '../../local/stack/stack';
import { loadConfig } from '../../platform/config';
import { literal, withDatabase } from '../../platform/duckdb';
import { createObjectStore, sha256, type ObjectStore } from '../../platform/s3';
import { fixtureJson, layArtifact, type Fixture } from '../support/artifact-fixtures';

jest.setTimeout(60_000);

const MODEL = 'fixture';
const { classes } = fixtureJson<TextSignature>('text', 'signature.json');

let folder: string;
let stack: Stack;
let store: ObjectStore;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meridian-evaluation-kinds-'));
  stack = createStack({ home: join(folder, 'stack'), firstPort: 42_000 });
  await stack.up(['s3']);
  const env = stack.env();
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: env['AWS_ACCESS_KEY_ID'],
    AWS_SECRET_ACCESS_KEY: env['AWS_SECRET_ACCESS_KEY'],
  });
  store = createObjectStore(loadConfig(env).s3);
  await store.ensureBucket();
});

afterAll(async () => {
  store?.close();
  await stack?.down();
  rmSync(folder, { recursive: true, force: true });
});

async function lay(fixture: Fixture): Promise<ServedVersion> {
  const { served, objects } = layArtifact(fixture);
  for (const [key, body] of objects) await store.put(key, body);
  return served;
}

async function putQuery(key: string, query: string): Promise<{ key: string; sha256: string }> {
  const file = join(folder, 'rows.parquet');
  await withDatabase((database) => database.execute(`COPY (${query}) TO ${literal(file)} (FORMAT parquet)`));
  const body = readFileSync(file);
  await store.put(key, body);
  return { key, sha256: sha256(body) };
}

/** A snapshot as the dataset activities lay it down, of which only what judges is there. */
async function laySnapshot(
  snapshot: string,
  test: string,
  { entity, windows }: { entity?: string; windows?: string } = {},
): Promise<DatasetSnapshot> {
  const prefix = Key.dataset(MODEL, snapshot);
  const manifest = {
    formatVersion: 1,
    splitRule: { days: null },
    columns: entity ? [{ name: entity, role: 'entity', type: 'string' }] : [],
    splits: { test: await putQuery(`${prefix}test/test.parquet`, test) },
    ...(windows && { windows: await putQuery(`${prefix}windows.parquet`, windows) }),
  } as unknown as DatasetManifest;
  await store.put(`${prefix}manifest.json`, JSON.stringify(manifest));
  return { model: MODEL, snapshot, prefix } as DatasetSnapshot;
}

const declare = (kind: ModelKind, gate: ModelDeclaration['gate'], more: object = {}): ModelDeclaration =>
  ({ name: MODEL, kind, gate, serving: { mode: 'online', p95Ms: 1000 }, ...more }) as ModelDeclaration;

function evaluate(
  declaration: ModelDeclaration,
  candidate: ServedVersion,
  snapshot: DatasetSnapshot,
  champion: ServedVersion | null = null,
): Promise<EvaluationSummary> {
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  const activities = createEvaluationActivities({ store });
  return environment.run(() =>
    activities.evaluateVersion({ declaration, candidate, snapshot, champion, evaluationId: 'e' }),
  );
}

const stored = (): Promise<Evaluation> =>
  store.getJson<Evaluation>(`${Key.version(MODEL, 'fixture-v1.0.0')}evaluation.json`);

describe('a text classifier', () => {
  /** Every tenth text bears the label of another class. */
  const texts = `
    SELECT 'e' || i AS event_id, ['my card is lost', 'the transfer is late'][1 + i % 2] || repeat(' !', i % 5) AS text,
      (CASE WHEN i % 10 = 0 THEN 1 - i % 2 ELSE i % 2 END)::INTEGER AS label
    FROM range(200) AS r(i)`;
  const declared = (gate: ModelDeclaration['gate'], names = classes) =>
    declare('text-classifier', gate, { label: { classes: names } });
  const gate = {
    absolute: [
      { metric: 'macroF1', min: 0.85 },
      { metric: 'f1.card_lost', min: 0.85 },
    ],
    champion: { metric: 'macroF1', margin: 0.01 },
  };
  let version: ServedVersion;
  let snapshot: DatasetSnapshot;
  beforeAll(async () => {
    version = await lay('text');
    snapshot = await laySnapshot('texts', texts, { entity: 'event_id' });
  });

  it('is judged by class and overall, with intervals, against the champion on the same rows', async () => {
    const summary = await evaluate(declared(gate), version, snapshot, version);
    expect(summary).toMatchObject({ kind: 'text-classifier', rows: 200, gate: { verdict: 'pass' } });
    expect(Object.keys(summary.metrics)).toEqual(['accuracy', 'macroF1', 'weightedF1', 'logLoss']);
    const { low, value, high } = summary.metrics['accuracy']!;
    expect(value).toBe(0.9);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(summary.champion!.differences['macroF1']).toEqual({ value: 0, low: 0, high: 0 });

    const { confusion, metrics } = await stored();
    expect(confusion).toEqual({
      classes,
      counts: [
        [80, 0, 0],
        [20, 100, 0],
        [0, 0, 0],
      ],
    });
    expect(metrics['precision.card_lost']!.value).toBeCloseTo(0.8, 12);
    expect(metrics['recall.transfer_late']!.value).toBeCloseTo(100 / 120, 12);
    // Nobody wrote or answered the third class.
    expect(metrics['f1.größe?']).toBeUndefined();
  });

  it('is not passed by a rule on a class without rows', async () => {
    const { gate: judged } = await evaluate(
      declared({ absolute: [{ metric: 'f1.größe?', min: 0.5 }] }),
      version,
      snapshot,
    );
    expect(judged).toMatchObject({ verdict: 'inconclusive', rules: [{ rule: 'f1.größe?' }, {}] });
  });

  it('is refused where its classes are not those declared, or are in another order', async () => {
    const turned = declared({ absolute: [{ metric: 'accuracy', min: 0 }] }, classes.toReversed());
    await expect(evaluate(turned, version, snapshot)).rejects.toMatchObject({
      code: 'InvalidFeatures',
      message: expect.stringContaining('fixture-v1.0.0: found the classes'),
    });
  });

  it.each([
    ['a label that is no class', texts.replace('ELSE i % 2', 'ELSE 3 * (i % 2)'), /label number 3 in row 1/],
    [
      'one class only',
      `SELECT * REPLACE (1 AS label) FROM (${texts})`,
      /rows of one class only \(transfer_late\)/,
    ],
    ['no rows', `SELECT * FROM (${texts}) WHERE false`, /found no rows/],
  ])('is not judged on held-out rows with %s', async (name, query, message) => {
    const bad = await laySnapshot(name.replaceAll(' ', '-'), query, { entity: 'event_id' });
    await expect(evaluate(declared(gate), version, bad)).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(message),
    });
  });
});

it('a regressor is judged by how far it is off', async () => {
  const version = await lay('regressor');
  // The fixture answers 3 a + 0.5 b − 2; labels lie one off, in turns above and below.
  const snapshot = await laySnapshot(
    'numbers',
    `SELECT 'h' || (i // 2) AS house, i::DOUBLE AS a, i % 3 = 0 AS b,
       3 * i + CASE WHEN i % 3 = 0 THEN 0.5 ELSE 0 END - 2 + CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END AS label
     FROM range(300) AS r(i)`,
    { entity: 'house' },
  );
  const gate = { absolute: [{ metric: 'rmse', max: 1.01 }], champion: { metric: 'rmse', margin: 0 } };
  const summary = await evaluate(declare('tabular-regressor', gate), version, snapshot, version);
  expect(summary.gate.verdict).toBe('pass');
  expect(Object.keys(summary.metrics)).toEqual(['rmse', 'mae', 'mape', 'r2']);
  expect(summary.metrics['rmse']!.value).toBeCloseTo(1, 5);
  expect(summary.metrics['mae']!.value).toBeCloseTo(1, 5);
  expect(summary.metrics['r2']!.value).toBeGreaterThan(0.999);
  expect((await stored()).confusion).toBeNull();
});

describe('a detector of anomalies', () => {
  /** Ten flat days of a series with a jump on days 3, 5 and 8, of which 3 and 8 are labelled. */
  const points = `
    SELECT 'latency' AS series, TIMESTAMPTZ '2026-11-01' + INTERVAL (5 * i) MINUTE AS time,
      CASE WHEN i % 288 = 144 AND i // 288 IN (3, 5, 8) THEN 50.0 ELSE 1.0 END AS value
    FROM range(2880) AS r(i)`;
  const windows = `
    SELECT 'latency' AS series, day + INTERVAL 11 HOUR AS starts_at, day + INTERVAL 13 HOUR AS ends_at
    FROM (VALUES (TIMESTAMPTZ '2026-11-04'), (TIMESTAMPTZ '2026-11-09')) AS days(day)`;
  const declared = declare('metric-anomaly', {
    absolute: [
      { metric: 'recall', min: 1 },
      { metric: 'alertRate', max: 0.01 },
    ],
  });

  it('is judged by labelled windows, and by the days of a series', async () => {
    const version = await lay('series');
    const summary = await evaluate(
      declared,
      version,
      await laySnapshot('points', points, { windows }),
      version,
    );
    expect(summary).toMatchObject({ kind: 'metric-anomaly', rows: 2880, gate: { verdict: 'pass' } });
    // A jump is far from the mean of its window, and draws that of the three after it along: runs of four.
    const scored = 2880 - 3;
    expect(summary.metrics['recall']!.value).toBe(1);
    expect(summary.metrics['precision']!.value).toBeCloseTo(2 / 3, 12);
    expect(summary.metrics['alertRate']!.value).toBeCloseTo(12 / scored, 12);
    expect(summary.metrics['falseAlarmRate']!.value).toBeCloseTo(4 / (scored - 50), 12);
    expect(summary.metrics['precision']!.low).toBeLessThan(0.6);
    expect(summary.champion!.differences['alertRate']).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('is neither passed nor failed on windows that nobody labelled', async () => {
    const version = await lay('series');
    const summary = await evaluate(declared, version, await laySnapshot('unlabelled', points));
    expect(Object.keys(summary.metrics)).toEqual(['falseAlarmRate', 'alertRate']);
    expect(summary.gate.rules.map(({ rule, verdict }) => [rule, verdict])).toEqual([
      ['recall', 'inconclusive'],
      ['alertRate', 'pass'],
      ['latency p95', 'pass'],
    ]);
  });

  it('is not judged on points that are nowhere without a gap', async () => {
    const version = await lay('series');
    const sparse = await laySnapshot('sparse', `SELECT * FROM (${points}) WHERE minute(time) % 10 = 0`);
    await expect(evaluate(declared, version, sparse)).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining('no window without a gap, expected 4 points of a series, 300 s apart'),
    });
  });
});
