import { randomUUID } from 'node:crypto';
import type { ServerUnaryCall, UntypedServiceImplementation, sendUnaryData } from '@grpc/grpc-js';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { Log } from '../../../platform/log';
import { isRequestId, REQUEST_ID_EXPECTED } from '../../http/request';
import { asMeridianError } from '../../http/response';
import { findServing } from '../find-serving';
import type { ModelPool } from '../model-pool';
import { infer } from '../open-inference/infer';
import { describeModel, type ModelMetadata } from '../open-inference/metadata';
import { SERVER_METADATA } from '../open-inference/server-metadata';
import type { Predictor } from '../predictor';
import { readTensors, writeTensors } from './contents';
import type { ModelInferRequest, ModelInferResponse, NamedVersion } from './messages';
import { toServiceError } from './status';

interface Dependencies {
  pool: Pick<ModelPool, 'get' | 'staged' | 'ready'>;
  predictor: Predictor;
  log: Log;
}

/** The calls of the Open Inference Protocol over gRPC. */
export function createService({ pool, predictor, log }: Dependencies): UntypedServiceImplementation {
  const find = ({ name, version }: NamedVersion) =>
    findServing(pool, name, { version: version || undefined });

  async function modelInfer(
    request: ModelInferRequest,
    requestId: string,
    timeoutMs: number | undefined,
  ): Promise<ModelInferResponse> {
    const { model_name, model_version, parameters, inputs, outputs, raw_input_contents: raw } = request;
    if (inputs.length === 0) throw invalid('inputs', 'none', 'at least one tensor');
    const startedAt = performance.now();
    const answer = await infer(
      predictor,
      {
        model: model_name,
        requestId,
        inputs: readTensors(inputs, raw),
        byEntity: parameters['entity']?.bool_param === true,
        outputs: outputs.map(({ name }) => name),
      },
      {
        startedAt,
        timeoutMs,
        staged: parameters['stage']?.string_param === 'staging',
        version: model_version || undefined,
      },
    );
    return { ...answer, ...writeTensors(answer.outputs, raw.length > 0) };
  }

  /** Answers a call, or fails it with the typed error. */
  const unary =
    <Request, Response>(answer: (request: Request, call: Call<Request, Response>) => Promise<Response>) =>
    (call: Call<Request, Response>, reply: sendUnaryData<Response>): void => {
      answer(call.request, call).then(
        (response) => reply(null, response),
        (cause: unknown) => {
          const given = givenIdOf(call);
          const requestId = isRequestId(given) ? given : randomUUID();
          if (!(cause instanceof MeridianError)) log.error({ err: cause, requestId }, 'a call failed');
          reply(toServiceError(asMeridianError(cause), requestId));
        },
      );
    };

  return {
    ServerLive: unary(async () => ({ live: true })),
    ServerReady: unary(async () => ({ ready: pool.ready() })),
    ModelReady: unary(async (named: NamedVersion) => {
      await find(named);
      return { ready: true };
    }),
    ServerMetadata: unary(async () => SERVER_METADATA),
    ModelMetadata: unary(async (named: NamedVersion): Promise<ModelMetadata> =>
      describeModel(await find(named)),
    ),
    ModelInfer: unary(async (request: ModelInferRequest, call: Call<ModelInferRequest, ModelInferResponse>) =>
      modelInfer(request, requestIdOf(call), timeoutOf(call)),
    ),
  };
}

type Call<Request, Response> = ServerUnaryCall<Request, Response>;

/** Of the request, else of the metadata; empty where neither has one. */
function givenIdOf({ request, metadata }: Call<unknown, unknown>): string {
  const { id } = request as { id?: string };
  return String(id || (metadata.get('x-request-id')[0] ?? ''));
}

/** @throws InvalidInput where the given one is none */
function requestIdOf(call: Call<unknown, unknown>): string {
  const given = givenIdOf(call);
  if (given === '') return randomUUID();
  if (isRequestId(given)) return given;
  throw invalid('id', `${given.length} characters`, REQUEST_ID_EXPECTED);
}

/** Milliseconds that the caller still waits; undefined where it has set no deadline. */
function timeoutOf(call: Call<unknown, unknown>): number | undefined {
  const left = Number(call.getDeadline()) - Date.now();
  return Number.isFinite(left) ? left : undefined;
}

function invalid(field: string, found: string, expected: string): MeridianError {
  return new MeridianError(ErrorCode.InvalidInput, `${field}: found ${found}, expected ${expected}.`, [
    { field, found, expected },
  ]);
}
