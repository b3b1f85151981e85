import { Context } from '@temporalio/activity';
import type { DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { summarize, type Evaluation, type EvaluationSummary } from '../../contracts/evaluation';
import { checkGate, directionsOf } from '../../contracts/gate-rules';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { loadArtifact } from '../../platform/onnx/artifact';
import type { LoadedModel } from '../../platform/onnx/loaded-model';
import type { ObjectStore } from '../../platform/s3';
import { refuseExpired } from '../privacy/expiry';
import { compare } from './compare';
import { judge } from './gate';
import { readHeldOut } from './held-out';
import { OPEN_TRIAL } from './kinds';
import type { Examined, Trial } from './kinds/kind';
import { measureLatency } from './latency';
import { whyNotNew } from './seen';

interface Dependencies {
  store: ObjectStore;
}

export interface EvaluateVersionInput {
  declaration: ModelDeclaration;
  candidate: ServedVersion;
  snapshot: DatasetSnapshot;
  /** The production version; null where there is none yet. */
  champion: ServedVersion | null;
  /** Names this evaluation among the version's: the run that asked for it. */
  evaluationId: string;
}

/** Heartbeat details: where an evaluation is, as the Temporal UI shows it. */
interface EvaluationHeartbeat {
  phase: 'reading' | 'loading' | 'scoring' | 'resampling' | 'timing';
  version: string;
  /** Rows or resamples. */
  done: number;
}

const RESAMPLING = { resamples: 200, seed: 20_251_101 };

export function createEvaluationActivities({ store }: Dependencies) {
  return {
    /**
     * Scores a version, and the champion, on the snapshot's held-out rows, through the very artifacts that serve, and
     * judges it by the declared gate. Keeps every evaluation as `evaluations/<id>.json`; the newest is `evaluation.json`.
     * @throws InvalidInput where the gate names a metric that models of this kind do not have; BadArtifact,
     * InvalidFeatures, DataQualityBreach (an expired snapshot, too), CorruptObject
     */
    async evaluateVersion(input: EvaluateVersionInput): Promise<EvaluationSummary> {
      const { declaration, candidate, snapshot } = input;
      checkGate(declaration);
      await beat('reading', candidate.version, 0);
      await refuseExpired(store, snapshot.model, snapshot.snapshot);
      const trial = OPEN_TRIAL[declaration.kind](await readHeldOut(store, snapshot), declaration);
      const evaluation = await withModel(store, candidate, (model) => evaluate(store, input, model, trial));
      const body = JSON.stringify(evaluation, null, 1);
      await store.put(Key.evaluation(declaration.name, candidate.version, input.evaluationId), body);
      await store.put(`${Key.version(declaration.name, candidate.version)}evaluation.json`, body);
      return summarize(evaluation);
    },
  };
}

async function evaluate(
  store: ObjectStore,
  { declaration, candidate, snapshot, champion }: EvaluateVersionInput,
  model: LoadedModel,
  trial: Trial,
): Promise<Evaluation> {
  const examined = await examine(model, trial);
  const rival = champion && (await examineChampion(store, champion, snapshot, trial));
  const { metrics, ...compared } = await compare(
    examined,
    rival?.examined ?? null,
    trial.entities,
    RESAMPLING,
    (done) => beat('resampling', candidate.version, done),
  );
  await beat('timing', candidate.version, 0);
  const latency = await measureLatency(trial.askerOf(model));
  const opponent = champion && {
    version: champion.version,
    ...(compared.champion ?? { metrics: {}, differences: {} }),
  };
  return {
    formatVersion: 2,
    model: declaration.name,
    kind: declaration.kind,
    version: candidate.version,
    artifactHash: candidate.sha256,
    snapshot: snapshot.snapshot,
    rows: trial.rows,
    metrics,
    confusion: examined.confusion,
    champion: opponent,
    latency,
    bootstrap: RESAMPLING,
    gate: judge(
      declaration,
      { metrics, latency, champion: opponent && { ...opponent, problem: rival?.problem ?? null } },
      directionsOf(declaration),
    ),
    evaluatedAt: new Date().toISOString(),
  };
}

/**
 * A champion that cannot be scored on these rows (other inputs, a broken artifact), or has learnt from them, is no reason
 * to fail the candidate.
 */
async function examineChampion(
  store: ObjectStore,
  champion: ServedVersion,
  snapshot: DatasetSnapshot,
  trial: Trial,
): Promise<{ examined: Examined; problem: null } | { examined: null; problem: string }> {
  const notNew = await whyNotNew(store, champion.version, snapshot);
  if (notNew !== null) return { examined: null, problem: notNew };
  try {
    const examined = await withModel(store, champion, (model) => examine(model, trial));
    return { examined, problem: null };
  } catch (error) {
    if (!(error instanceof MeridianError) || !NOT_COMPARABLE.has(error.code)) throw error;
    return { examined: null, problem: error.message };
  }
}

const NOT_COMPARABLE: ReadonlySet<ErrorCode> = new Set([ErrorCode.InvalidFeatures, ErrorCode.BadArtifact]);

const examine = (model: LoadedModel, trial: Trial): Promise<Examined> =>
  trial.examine(model, (rows) => beat('scoring', model.version, rows));

async function withModel<T>(
  store: ObjectStore,
  served: ServedVersion,
  use: (model: LoadedModel) => Promise<T>,
): Promise<T> {
  await beat('loading', served.version, 0);
  const model = await loadArtifact(store, served);
  try {
    return await use(model);
  } finally {
    await model.release();
  }
}

/** Heartbeats and lets the event loop turn. @throws CancelledFailure where the activity was cancelled. */
async function beat(phase: EvaluationHeartbeat['phase'], version: string, done: number): Promise<void> {
  const context = Context.current();
  context.heartbeat({ phase, version, done } satisfies EvaluationHeartbeat);
  await context.sleep(0);
}
