import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { isModelName, MODEL_NAME } from '../../contracts/model-name';
import type { PredictOutcome, Prediction, PredictResponse, PredictRow } from '../../contracts/scoring';
import { Coalescer } from './coalescer';
import { updateScorer } from './scorer-update';
import { toRow, type PredictionSubject } from './subject';

export type { PredictionSubject } from './subject';

export interface PredictOptions {
  /** Makes the call idempotent: asked again within a while, it is answered alike. Default: a new one. */
  requestId?: string;
  /** Default 10,000. */
  deadlineMs?: number;
}

/** Predictions through the task queue `scoring`. One a process: calls made at the same time travel together. */
export interface ScoringClient {
  /**
   * The caller knows what its model answers, and may say it: `predict<number>` of a probability or a number,
   * `predict<TextPrediction>` of a class.
   * @throws MeridianError with the code and fields an HTTP caller would get; DependencyUnavailable where nobody
   * answered in time.
   */
  predict<Answer extends Prediction = Prediction>(
    model: string,
    subject: PredictionSubject,
    options?: PredictOptions,
  ): Promise<PredictResponse<Answer>>;
  /** Many at once; each has its own outcome, in the order of the subjects. */
  predictMany(
    model: string,
    subjects: readonly PredictionSubject[],
    options?: Pick<PredictOptions, 'deadlineMs'>,
  ): Promise<PredictOutcome[]>;
}

export interface ScoringClientOptions {
  client: Client;
  /** Scorer workflows a model. */
  shards?: number;
  /** Updates under way in each; the server allows ten. */
  inFlight?: number;
  /** Rows of one update. */
  maxRows?: number;
}

interface Call {
  row: PredictRow;
  deadline: number;
}

export function createScoringClient({
  client,
  shards = 4,
  inFlight = 2,
  maxRows = 64,
}: ScoringClientOptions): ScoringClient {
  const coalescers = new Map<string, Coalescer<Call, PredictOutcome>>();

  function coalescerOf(model: string): Coalescer<Call, PredictOutcome> {
    let coalescer = coalescers.get(model);
    if (!coalescer) {
      coalescer = new Coalescer(
        (calls, shard) =>
          updateScorer(
            client,
            model,
            shard,
            calls.map(({ row }) => row),
            Math.max(...calls.map(({ deadline }) => deadline)),
          ),
        { shards, inFlight, maxItems: maxRows },
      );
      coalescers.set(model, coalescer);
    }
    return coalescer;
  }

  async function ask(
    model: string,
    subject: PredictionSubject,
    { requestId = randomUUID(), deadlineMs = 10_000 }: PredictOptions,
  ): Promise<PredictOutcome> {
    // A scorer is named by its model; a name that cannot be one would only start a workflow that fails.
    if (!isModelName(model)) throw noSuchName(model);
    const row = toRow(requestId, subject);
    const call = { row, deadline: Date.now() + deadlineMs };
    return beforeDeadline(model, deadlineMs, coalescerOf(model).call(call));
  }

  return {
    async predict<Answer extends Prediction>(
      model: string,
      subject: PredictionSubject,
      options: PredictOptions = {},
    ) {
      const outcome = await ask(model, subject, options);
      if (!outcome.ok)
        throw new MeridianError(outcome.error.code, outcome.error.message, outcome.error.fields);
      const { prediction, model_version, latency_ms } = outcome;
      return { prediction: prediction as Answer, model_version, latency_ms };
    },

    predictMany(model, subjects, options = {}) {
      return Promise.all(
        subjects.map(async (subject) => {
          const requestId = randomUUID();
          try {
            return await ask(model, subject, { ...options, requestId });
          } catch (error) {
            if (!(error instanceof MeridianError)) throw error;
            const { code, message, fields } = error;
            return { ok: false as const, error: { code, message, fields, request_id: requestId } };
          }
        }),
      );
    },
  };
}

/** A call may wait behind others with later deadlines; its own holds all the same. */
async function beforeDeadline<T>(model: string, deadlineMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new MeridianError(
          ErrorCode.DependencyUnavailable,
          `${model}: no prediction within ${deadlineMs} ms. Check that Temporal and an inference worker are up, then try again.`,
        ),
      );
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function noSuchName(model: string): MeridianError {
  const found = show(model);
  return new MeridianError(ErrorCode.UnknownModel, `${found}: no such model; expected ${MODEL_NAME}.`, [
    { field: 'model', found, expected: MODEL_NAME },
  ]);
}
