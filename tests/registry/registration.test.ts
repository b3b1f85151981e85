import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { createRegistryActivities } from '../../activities/registry';
import { createStageActivities } from '../../activities/release/stages';
import type { Provenance } from '../../contracts/decision';
import { Key } from '../../contracts/ids';
import type { StagingPointer } from '../../contracts/release';
import type { TrainingReport } from '../../contracts/model';
import { createStack, type Stack } from '../../local/stack/stack';
import { churn } from '../../models/churn/model';
import { createMlflow, type Mlflow } from '../../platform/mlflow';
import { createObjectStore, sha256, type ObjectStore } from '../../platform/s3';
import { trained } from '../workflows/activities';

jest.setTimeout(120_000);

const REPORT: TrainingReport = {
  formatVersion: 1,
  framework: 'xgboost 3',
  seed: 7,
  rows: { train: 70, validation: 10, test: 20 },
  bestIteration: 2,
  metrics: { auc: 0.81 },
  parity: { rows: 20, maxDifference: 1e-7 },
  // More than one of MLflow's batches holds.
  hyperparameters: Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`h${i}`, i])),
  environment: {
    python: '3.11.2',
    packages: { numpy: '2.4.6' },
    hardware: {
      instanceType: null,
      cpu: 'a fast one',
      cpus: 2,
      memoryBytes: 2 ** 33,
      gpus: ['T4', 'T4'],
    },
  },
  featureImportance: { age: 1 },
};
// As after an interruption: step 1 was done again.
const STEPS = [
  [0, 0.7, 1],
  [1, 0.6, 2],
  [1, 0.5, 3],
  [2, 0.4, 4],
].map(([step, loss, timestamp]) => ({ step, timestamp, metrics: { 'validation-logloss': loss } }));
const FILES: Record<string, string> = {
  'model.onnx': 'graph',
  'signature.json': '{}',
  'baseline.json': '{}',
  'golden.json': '{}',
  'training.json': JSON.stringify(REPORT),
  'metrics.jsonl': STEPS.map((line) => JSON.stringify(line)).join('\n'),
  'pictures/roc_curve.png': 'picture',
};

interface Run {
  info: { run_id: string; experiment_id: string; artifact_uri: string };
  data: { params: Pair[]; tags: Pair[] };
  inputs: {
    dataset_inputs: {
      tags: Pair[];
      dataset: { name: string; digest: string; source_type: string; source: string; profile: string };
    }[];
  };
}
type Pair = { key: string; value: string };

describe('registering a training', () => {
  let home: string;
  let stack: Stack;
  let mlflow: Mlflow;
  let store: ObjectStore;
  let registry: ReturnType<typeof createRegistryActivities>;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'meridian-registration-'));
    stack = createStack({ home, firstPort: 20_000 + Math.floor(Math.random() * 20_000) });
    await stack.up(['s3', 'mlflow']);
    Object.assign(process.env, stack.env());
    mlflow = createMlflow(stack.env()['MLFLOW_TRACKING_URI']!);
    store = createObjectStore({
      endpoint: stack.env()['AWS_ENDPOINT_URL_S3'],
      region: 'us-west-2',
      bucket: 'meridian-ml-data',
    });
    await store.ensureBucket();
    registry = createRegistryActivities({ store, mlflow });
    await store.put(Key.declaration('churn', 'dddd'), '{}');
    await store.put(Key.code('cccc'), 'archive');
    await store.put('code/cccc.1.dirty.diff', 'a patch');
    await store.put(
      `${Key.dataset('churn', 'abc')}manifest.json`,
      JSON.stringify({
        window: { asOf: '2026-11-20' },
        views: [{ name: 'usage', version: 1 }],
        splits: { train: { rows: 70 }, validation: { rows: 10 }, test: { rows: 20 } },
        columns: [{ name: 'age', role: 'feature', type: 'DOUBLE' }],
      }),
    );
  });
  afterAll(async () => {
    store?.close();
    await stack.down();
    await rm(home, { recursive: true, force: true });
  });

  const provenance: Provenance = {
    declarationHash: 'dddd',
    codeHash: 'cccc',
    source: { commit: 'f'.repeat(40), dirtyDiffKey: 'code/cccc.1.dirty.diff' },
    snapshot: 'abc',
    jobName: 'churn-1',
    workflowId: 'retrain/churn/1',
    runId: 'r1',
    trigger: 'person',
    reason: '',
  };
  const outcome = trained('churn-1');

  /** What a job left, packaged as that version. */
  const packaged = async (version: string, files = FILES) => {
    const folder = join(home, version);
    for (const [name, body] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), body);
    }
    const archive = join(home, `${version}.tar.gz`);
    await create({ gzip: true, cwd: folder, file: archive }, Object.keys(files));
    await store.upload(archive, outcome.artifactKey);
    return registry.packageVersion({ model: 'churn', version, outcome, provenance });
  };
  const runOf = async (version: string): Promise<Run> => {
    const { registered_model: model } = await mlflow.get<{
      registered_model: { aliases: { alias: string; version: string }[] };
    }>('registered-models/get', { name: 'churn' });
    const alias = model.aliases.find(({ alias: name }) => name === 'staging')!;
    const { model_version: entry } = await mlflow.get<{
      model_version: { run_id: string; tags: Pair[]; current_stage: string };
    }>('model-versions/get', { name: 'churn', version: alias.version });
    expect(entry.tags).toContainEqual({ key: 'version', value: version });
    expect(entry.current_stage).toBe('Staging');
    return (await mlflow.get<{ run: Run }>('runs/get', { run_id: entry.run_id })).run;
  };
  const artifactsOf = async (run: Run): Promise<Record<string, string>> => {
    const listed = async (path?: string): Promise<string[]> => {
      const { files = [] } = await mlflow.get<{ files?: { path: string; is_dir: boolean }[] }>(
        'artifacts/list',
        { run_id: run.info.run_id, ...(path && { path }) },
      );
      const below = await Promise.all(
        files.map(async (file) => (file.is_dir ? listed(file.path) : [file.path])),
      );
      return below.flat();
    };
    const base = stack.env()['MLFLOW_TRACKING_URI']!;
    const bodies = (await listed()).sort().map(async (path) => {
      const answer = await fetch(
        `${base}/get-artifact?${new URLSearchParams({ path, run_id: run.info.run_id }).toString()}`,
      );
      return [path, sha256(Buffer.from(await answer.arrayBuffer()))] as const;
    });
    return Object.fromEntries(await Promise.all(bodies));
  };

  it('keeps all there is to know, and registering again changes nothing', async () => {
    const served = await packaged('churn-v1.0.0');
    const register = () => registry.registerVersion({ declaration: churn, served, outcome, provenance });
    const [first, run] = [await register(), await runOf('churn-v1.0.0')];
    const artifacts = await artifactsOf(run);
    expect(await register()).toEqual(first);
    const again = await runOf('churn-v1.0.0');
    expect({ ...again, data: null }).toEqual({ ...run, data: null });
    expect(await artifactsOf(again)).toEqual(artifacts);

    expect(artifacts).toEqual({
      'baseline.json': sha256('{}'),
      'code/dirty.diff': sha256('a patch'),
      'model.onnx': sha256('graph'),
      'model.tar.gz': sha256(await store.get(outcome.artifactKey)),
      'pictures/roc_curve.png': sha256('picture'),
      'signature.json': sha256('{}'),
      'training.json': sha256(FILES['training.json']!),
    });
    const params = Object.fromEntries(run.data.params.map(({ key, value }) => [key, value]));
    expect(params).toMatchObject({
      h0: '0',
      h119: '119',
      seed: '7',
      python: '3.11.2',
      'package.numpy': '2.4.6',
      'hardware.instance_type': churn.training.instanceType,
      'hardware.cpu': 'a fast one',
      'hardware.memory_gib': '8.0',
      'hardware.gpus': 'T4, T4',
    });
    expect(run.data.tags).toEqual(
      expect.arrayContaining([
        { key: 'mlflow.source.git.commit', value: 'f'.repeat(40) },
        { key: 'meridian.dirty', value: 'true' },
        { key: 'meridian.job', value: 'churn-1' },
      ]),
    );
    expect(run.inputs.dataset_inputs).toEqual([
      {
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
        dataset: expect.objectContaining({
          name: 'datasets/churn',
          digest: 'abc',
          source_type: 's3',
          source: JSON.stringify({ uri: 's3://meridian-ml-data/datasets/churn/abc/' }),
          profile: expect.stringContaining('"num_rows":100'),
        }),
      },
    ]);
    const { metrics } = await mlflow.get<{ metrics: { step: number; value: number }[] }>(
      'metrics/get-history',
      { run_id: run.info.run_id, metric_key: 'validation-logloss' },
    );
    expect(metrics.map(({ step, value }) => [step, value])).toEqual([
      [0, 0.7],
      [1, 0.5],
      [2, 0.4],
    ]);
  });

  it('is what callers get from Staging, until it is promoted', async () => {
    const served = await packaged('churn-v1.0.5');
    const register = () => registry.registerVersion({ declaration: churn, served, outcome, provenance });
    const staged = async () =>
      (await store.getJson<StagingPointer>(Key.stagingPointer('churn'))).staged?.version ?? null;
    await register();
    expect(await staged()).toBe('churn-v1.0.5');
    const generation = { model: 'churn', production: served, variants: [{ ...served, mode: 'live' }] };
    await createStageActivities(mlflow, store).recordStages({ generation: generation as never });
    expect(await staged()).toBeNull();
    await register();
    expect(await staged()).toBeNull();
  });

  it('says that the commit is unknown where nobody captured it', async () => {
    const served = await packaged('churn-v1.1.0');
    const { source: _, ...without } = provenance;
    await registry.registerVersion({ declaration: churn, served, outcome, provenance: without });
    const run = await runOf('churn-v1.1.0');
    expect(run.data.tags).toEqual(
      expect.arrayContaining([
        { key: 'mlflow.source.git.commit', value: 'unknown' },
        { key: 'meridian.dirty', value: 'unknown' },
      ]),
    );
    expect(Object.keys(await artifactsOf(run))).not.toContain('code/dirty.diff');
  });

  it.each<[what: string, missing: Partial<Provenance>, report: object]>([
    ['declarationHash', { declarationHash: '' }, {}],
    ['codeHash', { codeHash: 'of-nothing-in-the-bucket' }, {}],
    ['snapshot', { snapshot: undefined }, {}],
    ['jobName', { jobName: '' }, {}],
    ['training.json seed', {}, { seed: undefined }],
    ['training.json environment', {}, { environment: { python: '3.11', packages: {} } }],
  ])('refuses a version without its %s, and registers nothing', async (what, missing, changed) => {
    const version = `churn-v9.${what.length}.0`;
    const files = { ...FILES, 'training.json': JSON.stringify({ ...REPORT, ...changed }) };
    const served = await packaged(version, files);
    const refused = registry.registerVersion({
      declaration: churn,
      served,
      outcome,
      provenance: { ...provenance, ...missing },
    });
    await expect(refused).rejects.toMatchObject({
      code: 'MissingProvenance',
      retryable: false,
      fields: [expect.objectContaining({ field: what })],
      message: expect.stringContaining(version),
    });
    const { runs = [] } = await mlflow.post<{ runs?: unknown[] }>('runs/search', {
      experiment_ids: ['1'],
      filter: `tags.\`meridian.version\` = '${version}'`,
    });
    expect(runs).toEqual([]);
  });
});
