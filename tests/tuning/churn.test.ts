import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistryActivities } from '../../activities/registry';
import { createSagemakerActivities } from '../../activities/sagemaker';
import { publishDeclaration } from '../../client/declarations';
import type { Provenance } from '../../contracts/decision';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration, TrainingReport } from '../../contracts/model';
import {
  searchOf,
  type TrialReport,
  type TuningOutcome,
  type TuningSpecification,
} from '../../contracts/tuning';
import { createStack, type Stack } from '../../local/stack/stack';
import { churn } from '../../models/churn/model';
import { loadConfig } from '../../platform/config';
import { createMlflow, type Mlflow } from '../../platform/mlflow';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { createSagemaker } from '../../platform/sagemaker';
import { layChannels } from '../support/training-program';
import { activityEnvironment } from './searches';

jest.setTimeout(180_000);

const TUNING_JOB = 'churn-small';
const VERSION = 'churn-v1.0.0';

/** Churn's search, but quick, and for a table of two inputs. */
const declaration: ModelDeclaration = {
  ...churn,
  inputs: ['tenure', 'calls'].map((name) => ({ name, view: 'v', feature: name, type: 'number' })),
  training: {
    ...churn.training,
    hyperparameters: { ...churn.training.hyperparameters, num_round: 20 },
    tuning: { ...churn.training.tuning!, maxJobs: 6, maxParallelJobs: 2 },
  },
};

const ROWS = `SELECT tenure, calls, (tenure < 12 + 8 * (random() - 0.5))::INT AS label,
    CASE WHEN i % 5 = 0 THEN 'test' WHEN i % 5 = 1 THEN 'validation' ELSE 'train' END AS split
  FROM (SELECT i, (hash(i) % 40)::DOUBLE AS tenure, (hash(i + 1000) % 9)::DOUBLE AS calls FROM range(600) t(i))`;

/** What a snapshot would say of itself. */
const MANIFEST = JSON.stringify({
  window: { asOf: '2026-11-20' },
  views: [],
  splits: { train: { rows: 360 }, validation: { rows: 120 }, test: { rows: 120 } },
  columns: [],
});

interface MlflowRun {
  info: { run_id: string; run_name: string; status: string };
  data: { params?: Pair[]; metrics?: { key: string; value: number }[]; tags?: Pair[] };
}
interface Pair {
  key: string;
  value: string;
}
const valuesOf = (pairs: { key: string; value: unknown }[] = []) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

describe('churn, tuned on a small table', () => {
  let home: string;
  let stack: Stack;
  let store: ObjectStore;
  let mlflow: Mlflow;
  let outcome: TuningOutcome;
  let registry: ReturnType<typeof createRegistryActivities>;
  let runId: string;
  /** Completed by what is published, and by the job that the search goes on with. */
  let provenance: Provenance = {
    declarationHash: '',
    codeHash: '',
    snapshot: 'small',
    jobName: '',
    workflowId: 'retrain/churn/small',
    runId: 'r1',
    trigger: 'person',
    reason: '',
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'meridian-tuning-'));
    stack = createStack({ home, firstPort: 20_000 + Math.floor(Math.random() * 20_000) });
    await stack.up(['s3', 'sagemaker', 'mlflow']);
    const env = stack.env();
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) process.env[name] = env[name];
    const config = loadConfig(env);
    store = createObjectStore(config.s3);
    mlflow = createMlflow(config.mlflowUrl);
    registry = createRegistryActivities({ store, mlflow });
    await store.ensureBucket();
    const sagemaker = createSagemaker(config.sagemaker);
    const { startTuningJob, awaitTuningJob } = createSagemakerActivities({ sagemaker, config, store });
    await startTuningJob({ jobName: TUNING_JOB, specification: await specify() });
    outcome = await activityEnvironment().run<[{ jobName: string }], TuningOutcome, typeof awaitTuningJob>(
      awaitTuningJob,
      { jobName: TUNING_JOB },
    );
    sagemaker.destroy();
  });
  afterAll(async () => {
    store?.close();
    await stack?.down();
    await rm(home, { recursive: true, force: true });
  });

  /** The channels and the code in the bucket, and what a retraining would ask for. */
  async function specify(): Promise<TuningSpecification> {
    const base = join(home, 'channels');
    await layChannels(base, ROWS, declaration.inputs);
    const channels: Record<string, string> = {};
    for (const name of ['train', 'validation', 'test', 'declaration']) {
      channels[name] = `channels/${name}/`;
      const folder = join(base, 'input', 'data', name);
      for (const file of await readdir(folder)) await store.upload(join(folder, file), channels[name] + file);
    }
    const published = await publishDeclaration(store, { ...declaration, inputs: churn.inputs });
    const { codeHash } = published;
    provenance = { ...provenance, declarationHash: published.hash, codeHash };
    await store.put(`${Key.dataset('churn', provenance.snapshot)}manifest.json`, MANIFEST);
    const search = searchOf(declaration);
    const { tuning: _, hyperparameters, ...training } = declaration.training;
    const fixed = Object.entries(hyperparameters).filter(([name]) => !(name in search.ranges));
    return {
      training: {
        ...training,
        model: declaration.name,
        codeKey: Key.code(codeHash),
        codeHash,
        hyperparameters: Object.fromEntries(fixed),
        channels,
      },
      search,
    };
  }

  const trialsOf = () => store.getJson<TrialReport>(outcome.tuning.trialsKey);

  it('goes on with the trial of the least loss, trained with what the search says', async () => {
    const { trials, best } = await trialsOf();
    expect(trials).toHaveLength(6);
    const completed = trials.filter(({ status }) => status === 'Completed');
    const least = Math.min(...completed.map(({ objective }) => objective!));
    expect(completed.find(({ objective }) => objective === least)!.jobName).toBe(best);
    expect(outcome).toMatchObject({
      jobName: best,
      metrics: { 'validation-logloss': expect.closeTo(least, 5) },
      tuning: { objective: { metric: 'validation-logloss', goal: 'minimize', value: least } },
    });
    expect(new Set(trials.map(({ hyperparameters }) => JSON.stringify(hyperparameters))).size).toBe(6);
  });

  it('makes a version of it, with every trial as a child run, however often they are logged', async () => {
    provenance = { ...provenance, jobName: outcome.jobName };
    const request = { model: 'churn', version: VERSION, outcome, provenance };
    const served = await registry.packageVersion(request);
    const report = await store.getJson<TrainingReport>(`${Key.version('churn', VERSION)}training.json`);
    expect(report.hyperparameters).toMatchObject(outcome.tuning.hyperparameters);
    expect(report.hyperparameters).toMatchObject({ num_round: 20 });

    ({ runId } = await registry.registerVersion({ declaration, served, outcome, provenance }));
    const { trialsKey } = outcome.tuning;
    await Promise.all([1, 2].map(() => registry.logTrials({ trialsKey, runId })));
    expect(await registry.logTrials({ trialsKey, runId })).toEqual({ trials: 6 });
    const { trials, best } = await trialsOf();
    const children = await childrenOf(runId);
    expect(children.map(({ info }) => info.run_name).sort()).toEqual(trials.map((t) => t.jobName).sort());
    for (const trial of trials) {
      const child = children.find(({ info }) => info.run_name === trial.jobName)!;
      expect(child.info.status).toBe(trial.status === 'Completed' ? 'FINISHED' : 'KILLED');
      const texts = Object.entries(trial.hyperparameters).map(([key, value]) => [key, String(value)]);
      expect(valuesOf(child.data.params)).toEqual(Object.fromEntries(texts));
      expect(valuesOf(child.data.metrics)).toMatchObject({
        'validation-logloss': trial.objective,
        billable_seconds: trial.billableSeconds,
      });
      expect(valuesOf(child.data.tags)).toMatchObject({
        'mlflow.parentRunId': runId,
        'meridian.best': String(trial.jobName === best),
      });
    }
  });

  it('logs no point of a trial twice', async () => {
    for (const { info } of await childrenOf(runId)) {
      const { metrics } = await mlflow.get<{ metrics: object[] }>('metrics/get-history', {
        run_id: info.run_id,
        metric_key: 'billable_seconds',
      });
      expect(metrics).toHaveLength(1);
    }
  });

  async function childrenOf(parent: string): Promise<MlflowRun[]> {
    const { run } = await mlflow.get<{ run: { info: { experiment_id: string } } }>('runs/get', {
      run_id: parent,
    });
    const { runs } = await mlflow.post<{ runs: MlflowRun[] }>('runs/search', {
      experiment_ids: [run.info.experiment_id],
      filter: `tags.\`mlflow.parentRunId\` = '${parent}'`,
      max_results: 100,
    });
    return runs;
  }
});
