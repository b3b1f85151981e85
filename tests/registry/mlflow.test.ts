import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureExperiment, ensureRun } from '../../activities/registry/mlflow-runs';
import { logDatasetInput } from '../../activities/registry/run-inputs';
import { findModelVersion, listModelVersions, moveStage } from '../../activities/registry/mlflow-versions';
import { createStageActivities } from '../../activities/release/stages';
import type { MeridianError } from '../../contracts/errors';
import { createStack, type Stack } from '../../local/stack/stack';
import { createMlflow, type Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';

jest.setTimeout(120_000);

describe('the record in MLflow', () => {
  let home: string;
  let stack: Stack;
  let mlflow: Mlflow;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'meridian-registry-'));
    stack = createStack({ home, firstPort: 20_000 + Math.floor(Math.random() * 20_000) });
    await stack.up(['mlflow']);
    mlflow = createMlflow(stack.env()['MLFLOW_TRACKING_URI']!);
    await mlflow.post('registered-models/create', { name: 'churn' });
  });
  afterAll(async () => {
    await stack.down();
    await rm(home, { recursive: true, force: true });
  });

  const nothingStaged = { find: async () => null } as unknown as ObjectStore;
  const register = (version: string) =>
    mlflow.post<{ model_version: { version: string } }>('model-versions/create', {
      name: 'churn',
      source: `s3://bucket/${version}`,
      tags: [{ key: 'version', value: version }],
    });
  const record = (version: string) =>
    createStageActivities(mlflow, nothingStaged).recordStages({
      generation: { model: 'churn', production: { version }, variants: [{ version, mode: 'live' }] } as never,
    });
  const stages = async () => (await listModelVersions(mlflow, 'churn')).map((v) => v.current_stage);

  it('has one Production and no alias staging on it, even where somebody made a second', async () => {
    await register('churn-v1.0.0');
    await register('churn-v1.1.0');
    await mlflow.post('registered-models/alias', { name: 'churn', alias: 'staging', version: '1' });
    await record('churn-v1.0.0');
    expect(await stages()).toEqual(['Production', 'None']);
    await moveStage(mlflow, 'churn', '2', 'Production');
    await mlflow.post('registered-models/alias', { name: 'churn', alias: 'staging', version: '2' });
    await record('churn-v1.0.0');
    expect(await stages()).toEqual(['Production', 'Archived']);
    const { registered_model: model } = await mlflow.get<{ registered_model: { aliases: object[] } }>(
      'registered-models/get',
      { name: 'churn' },
    );
    expect(model.aliases).toEqual([
      { alias: 'production', version: '1' },
      { alias: 'staging', version: '2' },
    ]);
    await record('churn-v1.1.0');
    expect(await stages()).toEqual(['Archived', 'Production']);
  });

  it('takes the same of two runs and the older of two versions that a lost answer left', async () => {
    const experiment = await ensureExperiment(mlflow, 'meridian/churn');
    const run = {
      name: 'churn-v2.0.0',
      tags: { 'meridian.version': 'churn-v2.0.0' },
      params: {},
      startedAt: '2026-11-21T00:00:00Z',
      endedAt: '2026-11-21T00:00:04Z',
    };
    const create = () =>
      mlflow.post<{ run: { info: { run_id: string } } }>('runs/create', {
        experiment_id: experiment,
        run_name: run.name,
        start_time: Date.parse(run.startedAt),
        tags: [{ key: 'meridian.version', value: run.name }],
      });
    const ids = [await create(), await create(), await create()].map((r) => r.run.info.run_id);
    expect(await ensureRun(mlflow, experiment, run)).toBe(ids.toSorted()[0]);
    expect(await ensureRun(mlflow, experiment, run)).toBe(ids.toSorted()[0]);
    const { model_version: first } = await register('churn-v2.0.0');
    const { model_version: second } = await register('churn-v2.0.0');
    await moveStage(mlflow, 'churn', second.version, 'Staging');
    expect((await findModelVersion(mlflow, 'churn', 'churn-v2.0.0')).version).toBe(first.version);
  });

  it('is tried again where runs log one dataset at the same moment, and has it in each', async () => {
    const experiment = await ensureExperiment(mlflow, 'meridian/datasets');
    const manifest = { columns: [], splits: {}, window: { asOf: '2026-11-20' }, views: [] };
    const store = { uri: (key: string) => key, getJson: async () => manifest } as unknown as ObjectStore;
    for (const snapshot of ['a', 'b', 'c', 'd']) {
      const runs = await Promise.all(
        [1, 2, 3, 4].map(async () => {
          const created = await mlflow.post<{ run: { info: { run_id: string } } }>('runs/create', {
            experiment_id: experiment,
          });
          return created.run.info.run_id;
        }),
      );
      const log = (runId: string) => logDatasetInput(mlflow, store, runId, { model: 'churn', snapshot });
      const outcomes = await Promise.allSettled(runs.map(log));
      const problems = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as MeridianError] : [],
      );
      expect(problems.filter(({ retryable }) => !retryable)).toEqual([]);
      for (const runId of runs) {
        await log(runId);
        const { run } = await mlflow.get<{ run: { inputs: { dataset_inputs: object[] } } }>('runs/get', {
          run_id: runId,
        });
        expect(run.inputs.dataset_inputs).toMatchObject([{ dataset: { digest: snapshot } }]);
      }
    }
  });
});
