import type { CostEstimate } from '../../contracts/cost';
import type { Provenance } from '../../contracts/decision';
import type { EvaluationSummary } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration, TrainingReport } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { TrainingOutcome } from '../../contracts/training';
import { existedAlready, type Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { ensureExperiment, ensureRun, logMissingMetrics, type Point } from './mlflow-runs';
import { refuseMissingProvenance } from './missing-provenance';
import {
  findModelVersion,
  listModelVersions,
  moveStage,
  tagged,
  type ModelVersion,
  type Stage,
} from './mlflow-versions';
import { logArtifacts } from './run-artifacts';
import { logDatasetInput } from './run-inputs';
import { stage } from './staging';
import { provenanceTags, runParams, runPoints, runTags } from './run-record';

interface RegistrationRequest {
  declaration: ModelDeclaration;
  served: ServedVersion;
  outcome: TrainingOutcome;
  provenance: Provenance;
  /** What the training was expected to cost; none of runs that began before that was asked. */
  estimate?: CostEstimate | null;
}

export interface Registration {
  runId: string;
  /** Absent where a history recorded the answer before it was given. */
  experimentId?: string;
  /** MLflow's own integer, as a string. */
  mlflowVersion: string;
}

/** Stages that a version is in, or moved out of, when it is registered. */
const STAGED: ReadonlySet<Stage> = new Set(['None', 'Staging']);

export function createRegistrationActivities(store: ObjectStore, mlflow: Mlflow) {
  return {
    /**
     * Logs the training to MLflow and registers the version in Staging. Doing it again adds nothing.
     * @throws MeridianError MissingProvenance where nobody could tell how the version came about
     */
    async registerVersion({
      declaration,
      served,
      outcome,
      provenance,
      estimate = null,
    }: RegistrationRequest): Promise<Registration> {
      const model = declaration.name;
      const prefix = Key.version(model, served.version);
      const report = await store.getJson<TrainingReport>(`${prefix}training.json`);
      await refuseMissingProvenance(store, { model, version: served.version, provenance, report });
      const experimentId = await ensureExperiment(mlflow, `meridian/${model}`);
      const runId = await ensureRun(mlflow, experimentId, {
        name: served.version,
        tags: runTags(declaration, served, provenance),
        params: runParams(report, declaration),
        startedAt: outcome.startedAt,
        endedAt: outcome.endedAt,
      });
      await logMissingMetrics(
        mlflow,
        runId,
        await runPoints(store, { model, version: served.version, report, outcome, estimate }),
      );
      await logDatasetInput(mlflow, store, runId, { model, snapshot: provenance.snapshot });
      await logArtifacts(mlflow, store, {
        experimentId,
        runId,
        model,
        served,
        archiveKey: outcome.artifactKey,
        provenance,
      });
      const registered = await ensureModelVersion(mlflow, store, { declaration, served, runId, provenance });
      if (registered.current_stage === 'None') await moveStage(mlflow, model, registered.version, 'Staging');
      // A registration done again after the promotion puts nothing back.
      if (STAGED.has(registered.current_stage)) {
        await mlflow.post('registered-models/alias', {
          name: model,
          alias: 'staging',
          version: registered.version,
        });
        await stage(store, model, served);
      }
      return { runId, experimentId, mlflowVersion: registered.version };
    },

    /** Puts an evaluation's metrics, intervals and verdict on the run and on the version. */
    async recordEvaluation({
      model,
      version,
      evaluation,
    }: {
      model: string;
      version: string;
      evaluation: EvaluationSummary;
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
    tags: Object.entries({ version: served.version, ...provenanceTags(served, provenance) }).map(
      ([key, value]) => ({
        key,
        value,
      }),
    ),
  });
  return findModelVersion(mlflow, name, served.version);
}
