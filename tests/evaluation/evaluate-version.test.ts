import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createEvaluationActivities } from '../../activities/evaluation';
import type { EvaluateVersionInput } from '../../activities/evaluation';
import type { DatasetManifest, DatasetSnapshot, SplitRule } from '../../contracts/dataset';
import { summarize, type Evaluation, type EvaluationSummary } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { createStack, type Stack } from '../../local/stack/stack';
import { loadConfig } from '../../platform/config';
import { literal, withDatabase } from '../../platform/duckdb';
import { createObjectStore, sha256, type ObjectStore } from '../../platform/s3';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { layChannels, packageVersion, runTraining } from '../support/training-program';

// Four trainings before the first test.
jest.setTimeout(180_000);

const GATE: ModelDeclaration['gate'] = {
  absolute: [{ metric: 'auc', min: 0.6 }],
  champion: { metric: 'auc', margin: 0.02 },
};
const declaration = {
  name: 'made-up',
  kind: 'tabular-classifier',
  label: { classes: ['stays', 'leaves'] },
  gate: GATE,
  serving: { mode: 'online', p95Ms: 1000 },
} as ModelDeclaration;

let folder: string;
let stack: Stack;
let store: ObjectStore;
/** Trained well, trained for one round only, and trained without the input `plan`. */
let versions: Record<'good' | 'poor' | 'narrow' | 'wide', ServedVersion>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meridian-evaluation-'));
  stack = createStack({ home: join(folder, 'stack'), firstPort: 41_000 });
  const base = join(folder, 'job');
  const query = madeUpCustomers(3000);
  await Promise.all([stack.up(['s3']), layChannels(base, query, madeUpInputs)]);
  const env = stack.env();
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: env['AWS_ACCESS_KEY_ID'],
    AWS_SECRET_ACCESS_KEY: env['AWS_SECRET_ACCESS_KEY'],
  });
  store = createObjectStore(loadConfig(env).s3);
  await store.ensureBucket();

  const train = async (version: string, args: string[]): Promise<ServedVersion> => {
    const { status, failure } = await runTraining(base, args);
    expect({ status, failure }).toEqual({ status: 0, failure: null });
    const { served, objects } = packageVersion(join(base, 'model'), 'made-up', version);
    for (const [key, body] of objects) await store.put(key, body);
    return served;
  };
  const good = await train('made-up-v1.0.0', ['--num_round', '200']);
  const poor = await train('made-up-v1.1.0', ['--num_round', '1', '--max_depth', '1']);
  await layChannels(
    base,
    query,
    madeUpInputs.filter(({ name }) => name !== 'plan'),
  );
  const narrow = await train('made-up-v1.2.0', ['--num_round', '50']);
  await layChannels(base, query.replaceAll('plan', 'tariff'), [
    ...madeUpInputs.filter(({ name }) => name !== 'plan'),
    { name: 'tariff', type: 'category' },
  ]);
  const wide = await train('made-up-v2.0.0', ['--num_round', '50']);
  versions = { good, poor, narrow, wide };
});

afterAll(async () => {
  store?.close();
  await stack?.down();
  rmSync(folder, { recursive: true, force: true });
});

/** A snapshot whose held-out rows are what the query gives, laid down as the dataset activities lay it. */
async function laySnapshot(
  name: string,
  query: string,
  days: SplitRule['days'] = null,
): Promise<DatasetSnapshot> {
  const file = join(folder, `${name}.parquet`);
  await withDatabase((database) => database.execute(`COPY (${query}) TO ${literal(file)} (FORMAT parquet)`));
  const body = readFileSync(file);
  const prefix = Key.dataset('made-up', name);
  const key = `${prefix}test/test.parquet`;
  const manifest: Pick<DatasetManifest, 'formatVersion' | 'columns' | 'splitRule'> & { splits: object } = {
    formatVersion: 1,
    splitRule: {
      salt: 'made-up',
      holdOutShare: 0.2,
      validationShare: 0.2,
      entitiesApart: days === null,
      days,
    },
    columns: [{ name: 'customer_id', role: 'entity', type: 'string' }],
    splits: { test: { key, sha256: sha256(body), bytes: body.length, rows: 0, positives: 0 } },
  };
  await store.put(key, body);
  await store.put(`${prefix}manifest.json`, JSON.stringify(manifest));
  const none = { train: 0, validation: 0, test: 0 };
  return { model: 'made-up', snapshot: name, prefix, rows: none, positives: none };
}

const heldOut = (change = ''): string =>
  `SELECT * EXCLUDE (split) ${change} FROM (${madeUpCustomers(3000)}) WHERE split = 'test'`;

const quiet = () => new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });

const run = (input: Partial<EvaluateVersionInput>, environment = quiet()): Promise<EvaluationSummary> => {
  const activities = createEvaluationActivities({ store });
  const whole = {
    declaration,
    candidate: versions.good,
    champion: null,
    evaluationId: 'e1',
    ...input,
  } as EvaluateVersionInput;
  return environment.run(() => activities.evaluateVersion(whole));
};

const rule = (evaluation: EvaluationSummary, name: string) =>
  evaluation.gate.rules.find((r) => r.rule.startsWith(name));

describe('evaluateVersion', () => {
  let snapshot: DatasetSnapshot;
  beforeAll(async () => {
    snapshot = await laySnapshot('whole', heldOut());
  });

  it('passes a good first version, and writes evaluation.json beside it', async () => {
    const evaluation = await run({ snapshot });
    expect(evaluation).toMatchObject({
      formatVersion: 2,
      kind: 'tabular-classifier',
      model: 'made-up',
      version: 'made-up-v1.0.0',
      artifactHash: versions.good.sha256,
      snapshot: 'whole',
      champion: null,
      gate: { verdict: 'pass' },
    });
    const { rows, metrics, latency } = evaluation;
    expect(metrics['auc']!.low).toBeLessThan(metrics['auc']!.value);
    expect(metrics['auc']!.value).toBeLessThan(metrics['auc']!.high);
    expect(latency.p50).toBeGreaterThan(0);
    expect(latency.p50).toBeLessThanOrEqual(latency.p95);
    const training = await store.getJson<{ metrics: Record<string, number> }>(
      'models/made-up/made-up-v1.0.0/training.json',
    );
    expect(metrics['auc']!.value).toBeCloseTo(training.metrics['auc']!, 5);
    const stored = await store.getJson<Evaluation>('models/made-up/made-up-v1.0.0/evaluation.json');
    expect(summarize(stored)).toEqual(evaluation);
    const { classes, counts } = stored.confusion!;
    expect(classes).toEqual(['stays', 'leaves']);
    const [[stays, wronglyLeaves], [wronglyStays, leaves]] = counts as [number[], number[]];
    expect(stays! + wronglyLeaves! + wronglyStays! + leaves!).toBe(rows);
    expect((stays! + leaves!) / rows).toBeCloseTo(metrics['accuracy']!.value, 10);
    expect(leaves! / (leaves! + wronglyStays!)).toBeCloseTo(metrics['recall']!.value, 10);
  });

  it('finds the same again, but for the clock', async () => {
    const [first, second] = [await run({ snapshot }), await run({ snapshot })];
    const { latency, evaluatedAt, gate } = first;
    expect({ ...second, latency, evaluatedAt, gate }).toEqual(first);
  });

  it('passes a version that is better than the champion, and fails one that is worse', async () => {
    const better = await run({ snapshot, candidate: versions.good, champion: versions.poor });
    expect(better.gate.verdict).toBe('pass');
    expect(better.champion!.differences['auc']!.low).toBeGreaterThan(0);
    const worse = await run({ snapshot, candidate: versions.poor, champion: versions.good });
    expect(rule(worse, 'auc against')).toMatchObject({ rule: 'auc against made-up-v1.0.0', verdict: 'fail' });
    expect(worse.gate.verdict).toBe('fail');
    expect(worse.champion!.metrics['auc']).toEqual(better.metrics['auc']);
    expect(worse.champion!.differences['auc']!.value).toBe(-better.champion!.differences['auc']!.value);
  });

  it('compares with a champion of fewer inputs, which these rows also have', async () => {
    const { champion } = await run({ snapshot, champion: versions.narrow });
    expect(champion!.metrics['auc']!.value).toBeGreaterThan(0.5);
  });

  it('is inconclusive where the champion takes inputs these rows lack, or does not load', async () => {
    const other = await run({ snapshot, champion: versions.wide });
    expect(other.gate.verdict).toBe('inconclusive');
    expect(rule(other, 'auc against')!.found).toContain('tariff: found no such column');
    expect(other.champion).toEqual({ version: 'made-up-v2.0.0', metrics: {}, differences: {} });
    const broken = await run({ snapshot, champion: { ...versions.poor, sha256: 'f'.repeat(64) } });
    expect(rule(broken, 'auc against')).toMatchObject({
      verdict: 'inconclusive',
      found: expect.stringMatching(/manifest\.json: found \d+ bytes with sha256/),
    });
  });

  it('compares, where time splits, only with a champion that has not learnt from the days held out', async () => {
    const days = (train: string, validation: string, test: string) => ({
      train: [train],
      validation: [validation],
      test: [test],
    });
    const older = await laySnapshot('older', heldOut(), days('2026-01-31', '2026-02-28', '2026-03-31'));
    const newer = await laySnapshot('newer', heldOut(), days('2026-03-31', '2026-04-30', '2026-05-31'));
    const champion = versions.poor;
    const unknown = await run({ snapshot: newer, champion });
    expect(rule(unknown, 'auc against')).toMatchObject({
      verdict: 'inconclusive',
      found: expect.stringMatching(
        /nobody can tell what made-up-v1\.1\.0 has learnt from: .*of-made-up-v1\.1\.0/,
      ),
    });
    await laySnapshot(`of-${champion.version}`, heldOut(), days('2026-02-28', '2026-03-31', '2026-04-30'));
    expect((await run({ snapshot: newer, champion })).gate.verdict).toBe('pass');
    expect(rule(await run({ snapshot: older, champion }), 'auc against')).toMatchObject({
      verdict: 'inconclusive',
      found: expect.stringContaining('reaches into the days held out here (2026-03-31)'),
    });
  });

  it('refuses a candidate whose artifact is not the one registered', async () => {
    const candidate = { ...versions.good, sha256: 'f'.repeat(64) };
    await expect(run({ snapshot, candidate })).rejects.toMatchObject({ code: 'BadArtifact' });
  });

  it('refuses a gate on a metric that the kind does not have, before it scores anything', async () => {
    const gate = { absolute: [{ metric: 'macroF1', min: 0.5 }] };
    await expect(run({ snapshot, declaration: { ...declaration, gate } })).rejects.toMatchObject({
      code: 'InvalidInput',
      fields: [{ field: 'gate.absolute.0.metric', expected: expect.stringContaining('auc, prAuc') }],
    });
  });

  it('refuses a candidate of another kind than the rows judge', async () => {
    const other = {
      ...declaration,
      kind: 'tabular-regressor',
      gate: { absolute: [{ metric: 'rmse', max: 1 }] },
    };
    await expect(run({ snapshot, declaration: other as ModelDeclaration })).rejects.toMatchObject({
      code: 'InvalidFeatures',
      message: expect.stringContaining(
        'found a model of kind tabular-classifier, expected tabular-regressor',
      ),
    });
  });

  it.each([
    ['no rows', `${heldOut()} AND false`, /test\.parquet: found no rows/],
    [
      'one class',
      heldOut('REPLACE (0 AS label)'),
      /found 0 positive rows of \d+, expected held-out rows of both/,
    ],
    [
      'blank labels',
      heldOut('REPLACE (nullif(label, 1) AS label)'),
      /found label null in row \d+, expected 0 or 1/,
    ],
    ['no labels', `SELECT * EXCLUDE (label) FROM (${heldOut()})`, /found no column label/],
  ])('refuses held-out rows with %s', async (name, query, message) => {
    const bad = await laySnapshot(name.replace(' ', '-'), query);
    await expect(run({ snapshot: bad })).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a held-out file that is not the one the manifest names', async () => {
    const bad = await laySnapshot('changed', heldOut());
    await store.put(`${bad.prefix}test/test.parquet`, 'something else');
    await expect(run({ snapshot: bad })).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining(
        'datasets/made-up/changed/test/test.parquet: found 14 bytes with sha256',
      ),
    });
  });

  it('heartbeats its phases, and stops when it is cancelled', async () => {
    const environment = quiet();
    const phases: string[] = [];
    environment.on('heartbeat', ({ phase }: { phase: string }) => {
      phases.push(phase);
      if (phase === 'resampling') environment.cancel();
    });
    await expect(run({ snapshot }, environment)).rejects.toBeInstanceOf(CancelledFailure);
    expect([...new Set(phases)]).toEqual(['reading', 'loading', 'scoring', 'resampling']);
    expect(phases.filter((phase) => phase === 'resampling').length).toBeLessThan(200);
  });
});
