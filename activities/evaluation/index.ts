import { Context } from '@temporalio/activity';
import type { DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Evaluation } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { loadArtifact } from '../../platform/onnx/artifact';
import type { LoadedModel } from '../../platform/onnx/artifact';
import type { ObjectStore } from '../../platform/s3';
import { refuseExpired } from '../privacy/expiry';
import { compare } from './compare';
import { judge } from './gate';
import { readHeldOut } from './held-out';
import type { HeldOut } from './held-out';
import { measureLatency } from './latency';
import { rank } from './metrics';
import type { RankedRows } from './metrics';
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
     * @throws BadArtifact, DataQualityBreach (an expired snapshot, too), CorruptObject
     */
    async evaluateVersion(input: EvaluateVersionInput): Promise<Evaluation> {
      const { declaration, candidate, snapshot } = input;
      await beat('reading', candidate.version, 0);
      await refuseExpired(store, snapshot.model, snapshot.snapshot);
      const heldOut = await readHeldOut(store, snapshot);
      const evaluation = await withModel(store, candidate, (model) => evaluate(store, input, model, heldOut));
      const body = JSON.stringify(evaluation, null, 1);
      await store.put(Key.evaluation(declaration.name, candidate.version, input.evaluationId), body);
      await store.put(`${Key.version(declaration.name, candidate.version)}evaluation.json`, body);
      return evaluation;
    },
  };
}

async function evaluate(
  store: ObjectStore,
  { declaration, candidate, snapshot, champion }: EvaluateVersionInput,
  model: LoadedModel,
  heldOut: HeldOut,
): Promise<Evaluation> {
  const ranked = await scoreAndRank(model, heldOut);
  const rival = champion && (await scoreChampion(store, champion, snapshot, heldOut));
  const { metrics, confusion, ...compared } = await compare(
    ranked,
    rival?.ranked ?? null,
    heldOut.entities,
    RESAMPLING,
    (done) => beat('resampling', candidate.version, done),
  );
  await beat('timing', candidate.version, 0);
  const latency = await measureLatency(model, heldOut.table);
  const opponent = champion && {
    version: champion.version,
    ...(compared.champion ?? { metrics: {}, differences: {} }),
  };
  return {
    formatVersion: 1,
    model: declaration.name,
    version: candidate.version,
    artifactHash: candidate.sha256,
    snapshot: snapshot.snapshot,
    rows: heldOut.table.numRows,
    positives: heldOut.positives,
    metrics,
    confusion,
    champion: opponent,
    latency,
    bootstrap: RESAMPLING,
    gate: judge(declaration, {
      metrics,
      latency,
      champion: opponent && { ...opponent, problem: rival?.problem ?? null },
    }),
    evaluatedAt: new Date().toISOString(),
  };
}

/**
 * A champion that cannot be scored on these rows (other inputs, a broken artifact), or has learnt from them, is no reason
 * to fail the candidate.
 */
async function scoreChampion(
  store: ObjectStore,
  champion: ServedVersion,
  snapshot: DatasetSnapshot,
  heldOut: HeldOut,
): Promise<{ ranked: RankedRows; problem: null } | { ranked: null; problem: string }> {
  const notNew = await whyNotNew(store, champion.version, snapshot);
  if (notNew !== null) return { ranked: null, problem: notNew };
  try {
    const ranked = await withModel(store, champion, (model) => scoreAndRank(model, heldOut));
    return { ranked, problem: null };
  } catch (error) {
    if (!(error instanceof MeridianError) || !NOT_COMPARABLE.has(error.code)) throw error;
    return { ranked: null, problem: error.message };
  }
}

const NOT_COMPARABLE: ReadonlySet<ErrorCode> = new Set([ErrorCode.InvalidFeatures, ErrorCode.BadArtifact]);

async function scoreAndRank(model: LoadedModel, heldOut: HeldOut): Promise<RankedRows> {
  const scores = await model.scoreTable(heldOut.table, (rows) => beat('scoring', model.version, rows));
  return rank(scores, heldOut);
}

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
