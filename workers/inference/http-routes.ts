import { ErrorCode, MeridianError, type FieldProblem } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import type { PredictResponse, PredictRow } from '../../contracts/scoring';
import { readJsonObject } from '../http/request';
import { sendErrorBody, sendJson, sendText } from '../http/response';
import type { Exchange, Routes } from '../http/server';
import type { CaptureBuffer } from './capture';
import type { ScoringMetrics } from './metrics';
import type { ModelPool } from './model-pool';
import type { Predictor } from './predictor';

interface Dependencies {
  workerId: string;
  pool: ModelPool;
  predictor: Predictor;
  capture: Pick<CaptureBuffer, 'counts'>;
  metrics: Pick<ScoringMetrics, 'expose'>;
}

/** What an inference worker answers over HTTP. */
export function createRoutes({ workerId, pool, predictor, capture, metrics }: Dependencies): Routes {
  async function predict({ request, response, requestId, parameter, startedAt }: Exchange): Promise<void> {
    const body = await readJsonObject(request);
    refuseUnknownFields(body);
    const row = { requestId, features: body['features'], entity: body['entity'] } as PredictRow;
    const outcome = (await predictor.predictMany(parameter, [row], { startedAt }))[0]!;
    if (!outcome.ok) {
      sendErrorBody(response, outcome.error);
      return;
    }
    const { prediction, model_version, latency_ms } = outcome;
    const answer: PredictResponse = { prediction, model_version, latency_ms };
    sendJson(response, 200, answer, requestId);
  }

  return {
    '/v1/predict/*': { POST: predict },
    '/v1/models': {
      GET: ({ response }) => sendJson(response, 200, { models: pool.all().map(describe) }),
    },
    '/admin/reload-models': {
      POST: async ({ response }) => {
        await pool.reload();
        sendJson(response, 200, { models: pool.status() });
      },
    },
    '/metrics': {
      GET: async ({ response }) => {
        const { type, text } = await metrics.expose();
        sendText(response, 200, type, text);
      },
    },
    '/healthz': {
      GET: ({ response }) =>
        sendJson(response, 200, {
          status: 'ok',
          worker: workerId,
          captures: capture.counts(),
          store: pool.trouble() ?? 'ok',
        }),
    },
    '/readyz': {
      GET: ({ response }) => {
        const ready = pool.ready();
        sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'loading', models: pool.status() });
      },
    },
  };
}

function refuseUnknownFields(body: Record<string, unknown>): void {
  const fields: FieldProblem[] = Object.keys(body)
    .filter((name) => name !== 'features' && name !== 'entity')
    .map((name) => ({
      field: name,
      // An entity's keys beside `entity`, for example: they are not to be repeated.
      found: mask(body[name]),
      expected: 'no such field (known: features, entity)',
    }));
  if (fields.length === 0) return;
  const names = fields.map(({ field }) => field).join(', ');
  throw new MeridianError(ErrorCode.InvalidInput, `${names}: expected only features or entity.`, fields);
}

function describe({ name, generation, live, variants }: ReturnType<ModelPool['all']>[number]) {
  return {
    name,
    generation: generation.n,
    production: generation.production.version,
    variants: variants.map(({ version, mode, weight }) => ({ version, mode, weight })),
    kind: live.artifact.kind,
    inputs: live.artifact.kind === 'metric-anomaly' ? [] : live.artifact.signature.inputs,
  };
}
