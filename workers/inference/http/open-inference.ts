import { validateInferRequest } from '../../../contracts/generated/validators';
import type { InferRequest } from '../../../contracts/generated/types';
import { asMeridianError, sendFailure, sendJson } from '../../http/response';
import type { SendError } from '../../http/router';
import { readJsonObject } from '../../http/request';
import type { Exchange, Routes } from '../../http/server';
import { findServing, type Target } from '../find-serving';
import type { ModelPool } from '../model-pool';
import { infer } from '../open-inference/infer';
import { describeModel } from '../open-inference/metadata';
import { SERVER_METADATA } from '../open-inference/server-metadata';
import type { Predictor } from '../predictor';
import { askingOf } from './asking';
import { checkBody } from './check-body';

interface Dependencies {
  pool: Pick<ModelPool, 'get' | 'staged' | 'ready'>;
  predictor: Predictor;
}

const STAGE = { stage: ['production', 'staging'] } as const;

/** The Open Inference Protocol, version 2, as KServe, Triton and MLServer speak it. */
export function createOpenInferenceRoutes({ pool, predictor }: Dependencies): Routes {
  const find = ({ parameters: [model, version], query }: Exchange) => {
    const target: Target = { staged: query['stage'] === 'staging', version };
    return findServing(pool, model!, target);
  };

  const metadata = async (exchange: Exchange): Promise<void> => {
    sendJson(exchange.response, 200, describeModel(await find(exchange)), exchange.requestId);
  };

  const ready = async (exchange: Exchange): Promise<void> => {
    const { name } = await find(exchange);
    sendJson(exchange.response, 200, { name, ready: true }, exchange.requestId);
  };

  const ask = async (exchange: Exchange): Promise<void> => {
    const { request, response, requestId, parameters } = exchange;
    const body = checkBody<InferRequest>(validateInferRequest, await readJsonObject(request));
    const asking = askingOf(exchange);
    const answer = await infer(
      predictor,
      {
        model: parameters[0]!,
        requestId: body.id ?? requestId,
        inputs: body.inputs,
        byEntity: body.parameters?.entity === true,
        outputs: (body.outputs ?? []).map(({ name }) => name),
      },
      {
        ...asking,
        staged: asking.staged || body.parameters?.stage === 'staging',
        version: parameters[1],
      },
    );
    sendJson(response, 200, answer, requestId);
  };

  const ofModel = (path: string): Routes => ({
    [path]: { GET: metadata, query: STAGE, sendError: sendProtocolError },
    [`${path}/ready`]: { GET: ready, query: STAGE, sendError: sendProtocolError },
    [`${path}/infer`]: { POST: ask, query: STAGE, sendError: sendProtocolError },
  });
  return {
    '/v2': { GET: ({ response }) => sendJson(response, 200, SERVER_METADATA) },
    '/v2/health/live': { GET: ({ response }) => sendJson(response, 200, { live: true }) },
    '/v2/health/ready': {
      GET: ({ response }) => {
        const isReady = pool.ready();
        sendJson(response, isReady ? 200 : 503, { ready: isReady });
      },
    },
    ...ofModel('/v2/models/*'),
    ...ofModel('/v2/models/*/versions/*'),
  };
}

/** An error in the protocol's shape, where `error` is a text; what the platform's own errors hold stands beside it. */
const sendProtocolError: SendError = (response, cause, requestId) => {
  const { code, message, fields } = asMeridianError(cause);
  sendFailure(response, code, { error: message, code, fields, request_id: requestId }, requestId);
};
