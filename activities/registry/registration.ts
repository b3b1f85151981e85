import type { Provenance } from '../../contracts/decision';
import type { Evaluation } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { MetricLine, ModelDeclaration, TrainingReport } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { TrainingOutcome } from '../../contracts/training';
import { existedAlready, type Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { ensureExperiment, ensureRun, logMissingMetrics, type Point } from './mlflow-runs';
import { findModelVersion, listModelVersions, moveStage, tagged, type ModelVersion } from './mlflow-versions';

interface RegistrationRequest {
  declaration: ModelDeclaration;
  served: ServedVersion;
  outcome: TrainingOutcome;
  provenance: Provenance;
}

export interface Registration {
  runId: string;
  /** MLflow's own integer, as a string. */
  mlflowVersion: string;
}

/** Files of a version that people want to see beside the run. */
const SHOWN = ['training.json', 'signature.json', 'baseline.json', 'model.onnx'];

export function createRegistrationActivities(store: ObjectStore, mlflow: Mlflow) {
  return {
    /** Logs the training to MLflow and registers the version in Staging. Doing it again adds nothing. */
    async registerVersion({
      declaration,
      served,
      outcome,
      provenance,
    }: RegistrationRequest): Promise<Registration> {
      const model = declaration.name;
      const prefix = Key.version(model, served.version);
      const report = await store.getJson<TrainingReport>(`${prefix}training.json`);
      const experimentId = await ensureExperiment(mlflow, `meridian/${model}`);
      const runId = await ensureRun(mlflow, experimentId, {
        name: served.version,
        tags: { ...tags(served, provenance), 'mlflow.source.name': declaration.training.program },
        params: params(report),
        startedAt: outcome.startedAt,
        endedAt: outcome.endedAt,
      });
      await logMissingMetrics(mlflow, runId, await points(store, prefix, report, outcome));
      for (const file of SHOWN) {
        await mlflow.putArtifact(experimentId, runId, file, await store.get(prefix + file));
      }
      const registered = await ensureModelVersion(mlflow, store, { declaration, served, runId, provenance });
      if (registered.current_stage === 'None') await moveStage(mlflow, model, registered.version, 'Staging');
      await mlflow.post('registered-models/alias', {
        name: model,
        alias: 'staging',
        version: registered.version,
      });
      return { runId, mlflowVersion: registered.version };
    },

    /** Puts an evaluation's metrics, intervals and verdict on the run and on the version. */
    async recordEvaluation({
      model,
      version,
      evaluation,
    }: {
      model: string;
      version: string;
      evaluation: Evaluation;
    }): Promise<void> {
      const registered = await findModelVersion(mlflow, model, version);
      const timestamp = Date.parse(evaluation.evaluatedAt);
      // A version may be evaluated again: each time is a step of its own, and MLflow shows the newest.
      const step = Math.floor(timestamp / 1000);
      const measured = Object.entries(evaluation.metrics).flatMap(([name, { value, low, high }]): Point[] => [
        { key: `held_out.${name}`, value, step, timestamp },
        { key: `held_out.${name}.low`, value: low, step, timestamp },
        { key: `held_out.${name}.high`, value: high, step, timestamp },
      ]);
      await logMissingMetrics(mlflow, registered.run_id, measured);
      for (const [key, value] of [
        ['verdict', evaluation.gate.verdict],
        ['champion', evaluation.champion?.version ?? 'none'],
      ]) {
        await mlflow.post('model-versions/set-tag', { name: model, version: registered.version, key, value });
        await mlflow.post('runs/set-tag', { run_id: registered.run_id, key: `meridian.${key}`, value });
      }
    },
  };
}

function tags(served: ServedVersion, provenance: Provenance): Record<string, string> {
  return {
    'meridian.version': served.version,
    'meridian.artifact_sha256': served.sha256,
    'meridian.declaration': provenance.declarationHash,
    'meridian.code': provenance.codeHash,
    'meridian.snapshot': provenance.snapshot,
    'meridian.job': provenance.jobName,
    'meridian.workflow': provenance.workflowId,
    'meridian.run': provenance.runId,
    'meridian.trigger': provenance.trigger,
    'meridian.reason': provenance.reason,
  };
}

function params(report: TrainingReport): Record<string, string> {
  const entries = [
    ...Object.entries(report.hyperparameters),
    ['seed', report.seed],
    ['framework', report.framework],
    ['python', report.environment.python],
    ...Object.entries(report.environment.packages).map(([name, version]) => [`package.${name}`, version]),
    ...Object.entries(report.rows).map(([split, rows]) => [`rows.${split}`, rows]),
  ] as [string, string | number | boolean][];
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

/** Metrics by step as the program wrote them, its final figures, and what the job cost. */
async function points(
  store: ObjectStore,
  prefix: string,
  report: TrainingReport,
  outcome: TrainingOutcome,
): Promise<Point[]> {
  const lines = (await store.get(`${prefix}metrics.jsonl`)).toString('utf8').split('\n').filter(Boolean);
  const bySteps = lines.flatMap((line) => {
    const { step, timestamp, metrics } = JSON.parse(line) as MetricLine;
    return Object.entries(metrics).map(([key, value]): Point => ({ key, value, step, timestamp }));
  });
  const timestamp = Date.parse(outcome.endedAt);
  const final = {
    ...Object.fromEntries(Object.entries(report.metrics).map(([name, value]) => [`final.${name}`, value])),
    best_iteration: report.bestIteration,
    onnx_max_difference: report.parity.maxDifference,
    training_seconds: outcome.trainingSeconds,
    billable_seconds: outcome.billableSeconds,
  };
  return [
    ...bySteps,
    ...Object.entries(final).map(([key, value]): Point => ({ key, value, step: 0, timestamp })),
  ];
}

interface NewVersion {
  declaration: ModelDeclaration;
  served: ServedVersion;
  runId: string;
  provenance: Provenance;
}

async function ensureModelVersion(
  mlflow: Mlflow,
  store: ObjectStore,
  { declaration, served, runId, provenance }: NewVersion,
): Promise<ModelVersion> {
  const name = declaration.name;
  await existedAlready(
    mlflow.post('registered-models/create', { name, description: declaration.description }),
  );
  const existing = tagged(await listModelVersions(mlflow, name), served.version);
  if (existing) return existing;
  await mlflow.post('model-versions/create', {
    name,
    run_id: runId,
    source: store.uri(Key.version(name, served.version)),
    tags: Object.entries({ version: served.version, ...tags(served, provenance) }).map(([key, value]) => ({
      key,
      value,
    })),
  });
  return findModelVersion(mlflow, name, served.version);
}
