import type { FieldProblem } from '../../../contracts/errors';
import { mask } from '../../../contracts/masking';
import { MAX_INSTANCES, type PredictOutcome, type PredictRow } from '../../../contracts/scoring';
import { readJsonObject } from '../../http/request';
import { sendErrorBody, sendJson } from '../../http/response';
import type { Exchange, Routes } from '../../http/server';
import { findServing } from '../find-serving';
import { inTime } from '../in-time';
import type { ModelPool } from '../model-pool';
import type { Predictor } from '../predictor';
import { isObject } from '../predict-request';
import { ASKING_QUERY, askingOf, commonError } from './asking';
import { invalidInput } from './check-body';

interface Dependencies {
  pool: Pick<ModelPool, 'get' | 'staged'>;
  predictor: Predictor;
}

/** The guide's contract: one prediction a request, or a batch of them. */
export function createPredictRoutes({ pool, predictor }: Dependencies): Routes {
  async function predict(exchange: Exchange): Promise<void> {
    const { request, requestId } = exchange;
    const body = await readJsonObject(request);
    if (Object.hasOwn(body, 'instances')) return predictBatch(exchange, body);
    refuseOtherFields(body, ROW);
    return predictOne(exchange, toRow(body, requestId, exchange));
  }

  async function predictOne(exchange: Exchange, row: PredictRow): Promise<void> {
    const { response, requestId, parameters } = exchange;
    const asking = askingOf(exchange);
    const asked = predictor.predictMany(parameters[0]!, [row], asking);
    const outcome = (await inTime(asked, asking, [requestId]))[0]!;
    if (!outcome.ok) {
      sendErrorBody(response, outcome.error);
      return;
    }
    sendJson(response, 200, toAnswer(outcome), requestId);
  }

  async function predictBatch(exchange: Exchange, body: Record<string, unknown>): Promise<void> {
    const { response, requestId, parameters, startedAt } = exchange;
    refuseOtherFields(body, BATCH);
    const instances = instancesOf(body);
    const asking = askingOf(exchange);
    const model = parameters[0]!;
    const { live } = await findServing(pool, model, asking);
    const rows = instances.map((instance, index) => toRow(instance, `${requestId}:${index}`, exchange));
    const ids = rows.map((row) => row.requestId);
    const outcomes = await inTime(predictor.predictMany(model, rows, asking), asking, ids);
    const refused = commonError(outcomes, requestId);
    if (refused) {
      sendErrorBody(response, refused);
      return;
    }
    const latency_ms = Math.round((performance.now() - startedAt) * 1000) / 1000;
    const predictions = outcomes.map(toItem);
    sendJson(response, 200, { predictions, model_version: live.version, latency_ms }, requestId);
  }

  return { '/v1/predict/*': { POST: predict, query: ASKING_QUERY } };
}

const ROW: ReadonlySet<string> = new Set(['features', 'entity']);
const BATCH: ReadonlySet<string> = new Set(['instances']);

function toRow(body: Record<string, unknown>, requestId: string, { query }: Exchange): PredictRow {
  const row = { requestId, features: body['features'], entity: body['entity'] } as PredictRow;
  if (query['explain'] === 'true') row.explain = true;
  return row;
}

type Answered = PredictOutcome & { ok: true };

function toAnswer({ prediction, model_version, latency_ms, explanation }: Answered) {
  const answer = { prediction, model_version, latency_ms };
  return explanation ? { ...answer, explanation } : answer;
}

function toItem(outcome: PredictOutcome) {
  if (!outcome.ok) return { error: outcome.error };
  const { prediction, model_version, explanation } = outcome;
  return explanation ? { prediction, model_version, explanation } : { prediction, model_version };
}

/** @throws InvalidInput where there are none, too many, or one that is no instance */
function instancesOf({ instances }: Record<string, unknown>): Record<string, unknown>[] {
  const size = Array.isArray(instances) ? instances.length : null;
  if (size === null || size < 1 || size > MAX_INSTANCES) {
    const found = size === null ? 'no list' : `${size} rows`;
    throw invalidInput([{ field: 'instances', found, expected: `a list of 1 to ${MAX_INSTANCES} rows` }]);
  }
  const rows = instances as unknown[];
  const bad = rows.findIndex((row) => !isObject(row));
  if (bad >= 0) {
    const expected = 'an object with features or entity';
    throw invalidInput([{ field: `instances.${bad}`, found: 'no object', expected }]);
  }
  rows.forEach((row, index) => refuseOtherFields(row as Record<string, unknown>, ROW, `instances.${index}.`));
  return rows as Record<string, unknown>[];
}

function refuseOtherFields(body: Record<string, unknown>, known: ReadonlySet<string>, prefix = ''): void {
  let fields: FieldProblem[] | undefined;
  for (const name of Object.keys(body)) {
    if (known.has(name)) continue;
    // An entity's keys beside `entity`, for example: they are not to be repeated.
    const expected = `no such field (known: ${[...known].join(', ')})`;
    (fields ??= []).push({ field: prefix + name, found: mask(body[name]), expected });
  }
  if (fields) throw invalidInput(fields);
}
