import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { isModelName, MODEL_NAME } from '../../contracts/model-name';
import type { PredictOutcome, Prediction, PredictResponse, PredictRow } from '../../contracts/scoring';
import { Coalescer } from './coalescer';
import { beforeDeadline, deadlineAfter, tooLate, type Deadline, type Reach } from './deadline';
import { updateScorer } from './scorer-update';
import { shardOf } from './shards';
import { sizeOfRow, toRow, type PredictionSubject } from './subject';

export type { PredictionSubject } from './subject';

export interface PredictOptions {
  /**
   * Makes the call idempotent: asked again within a while, it is answered alike; asked for something else, it is refused
   * (Conflict). Of many, the row at `index` goes by `<requestId>:<index>`. Default: a new one.
   */
  requestId?: string;
  /** Whole milliseconds, 1 to 600,000; of many, for all of them together. Default 10,000. */
  timeoutMs?: number;
  /** Asks for an explanation beside the answer, where the model has one to give. */
  explain?: boolean;
}

/** Predictions through the task queue `scoring`. One a process: calls made at the same time travel together. */
export interface ScoringClient {
  /**
   * The caller knows what its model answers, and may say it: `predict<number>` of a probability or a number,
   * `predict<TextPrediction>` of a class.
   * @throws MeridianError with the code and fields an HTTP caller would get; DeadlineExceeded where there was no answer in
   * time, DependencyUnavailable where Temporal could not be reached.
   */
  predict<Answer extends Prediction = Prediction>(
    model: string,
    subject: PredictionSubject,
    options?: PredictOptions,
  ): Promise<PredictResponse<Answer>>;
  /**
   * Many at once, in as many updates as they need; each has its own outcome, in the order of the subjects.
   * @throws MeridianError InvalidInput or UnknownModel where the asking itself is wrong
   */
  predictMany(
    model: string,
    subjects: readonly PredictionSubject[],
    options?: PredictOptions,
  ): Promise<PredictOutcome[]>;
}

export interface ScoringClientOptions {
  client: Client;
  /** Scorer workflows a model. All who call a model count alike, or its scorers forget what they answered to whom. */
  shards?: number;
  /** Updates under way in each; the server allows ten. */
  inFlight?: number;
  /** Rows of one update, up to 256. */
  maxRows?: number;
}

interface Call {
  row: PredictRow;
  bytes: number;
  deadline: Deadline;
  /** Whether the caller knows the request ID, and may ask again under it. */
  isNamed: boolean;
}

/** Half of what Temporal takes in one payload. */
const MAX_UPDATE_BYTES = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;

export function createScoringClient({
  client,
  shards = 4,
  inFlight = 2,
  maxRows = 128,
}: ScoringClientOptions): ScoringClient {
  const coalescers = new Map<string, Coalescer<Call, PredictOutcome>>();
  const reach: Reach = { problem: null };

  function createCoalescer(model: string): Coalescer<Call, PredictOutcome> {
    return new Coalescer(
      (calls, shard) =>
        updateScorer(
          { client, model, shard, reach },
          calls.map(({ row }) => row),
          Math.max(...calls.map(({ deadline }) => deadline.at)),
        ),
      {
        shards,
        home: Math.floor(Math.random() * shards),
        inFlight,
        maxItems: maxRows,
        maxWeight: MAX_UPDATE_BYTES,
        weigh: ({ bytes }) => bytes,
        // An ID that was made up here is known to nobody: no second call can come by it.
        shardOf: ({ row, isNamed }) => (isNamed ? shardOf(row.requestId, shards) : null),
        dropWith: ({ deadline }) => (Date.now() < deadline.at ? null : tooLate(model, deadline, reach)),
      },
    );
  }

  function coalescerOf(model: string): Coalescer<Call, PredictOutcome> {
    // A scorer is named by its model; a name that cannot be one would only start a workflow that fails.
    if (!isModelName(model)) throw noSuchName(model);
    let coalescer = coalescers.get(model);
    if (!coalescer) coalescers.set(model, (coalescer = createCoalescer(model)));
    return coalescer;
  }

  async function ask(
    model: string,
    subject: PredictionSubject,
    { requestId, explain, isNamed }: { requestId: string; explain?: boolean; isNamed: boolean },
    deadline: Deadline,
  ): Promise<PredictOutcome> {
    const row = toRow(requestId, subject, explain);
    const call = { row, bytes: sizeOfRow(row), deadline, isNamed };
    return beforeDeadline(model, deadline, reach, coalescerOf(model).call(call));
  }

  return {
    async predict<Answer extends Prediction>(
      model: string,
      subject: PredictionSubject,
      { requestId, timeoutMs = DEFAULT_TIMEOUT_MS, explain }: PredictOptions = {},
    ) {
      const named = { requestId: requestId ?? randomUUID(), isNamed: requestId !== undefined };
      const outcome = await ask(model, subject, { ...named, explain }, deadlineAfter(timeoutMs));
      if (!outcome.ok)
        throw new MeridianError(outcome.error.code, outcome.error.message, outcome.error.fields);
      const { ok: _ok, ...answer } = outcome;
      return answer as PredictResponse<Answer>;
    },

    async predictMany(model, subjects, { requestId, timeoutMs = DEFAULT_TIMEOUT_MS, explain } = {}) {
      const deadline = deadlineAfter(timeoutMs);
      coalescerOf(model);
      const isNamed = requestId !== undefined;
      return Promise.all(
        subjects.map(async (subject, index) => {
          const rowId = isNamed ? `${requestId}:${index}` : randomUUID();
          try {
            return await ask(model, subject, { requestId: rowId, explain, isNamed }, deadline);
          } catch (error) {
            if (!(error instanceof MeridianError)) throw error;
            const { code, message, fields } = error;
            return { ok: false as const, error: { code, message, fields, request_id: rowId } };
          }
        }),
      );
    },
  };
}

function noSuchName(model: string): MeridianError {
  const found = show(model);
  return new MeridianError(ErrorCode.UnknownModel, `${found}: no such model; expected ${MODEL_NAME}.`, [
    { field: 'model', found, expected: MODEL_NAME },
  ]);
}
