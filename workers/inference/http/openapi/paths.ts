import { ASKING_QUERY, MAX_TIMEOUT_MS } from '../asking';
import { MODEL_HEADER } from '../invocations';
import { answeredJson, operation, type PathItem } from './operations';
import { ref } from './schemas';

const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });

const NAME = { type: 'string', minLength: 1, pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 40 };

export const PARAMETERS = {
  model: { name: 'model', in: 'path', required: true, description: 'The model’s name.', schema: NAME },
  version: {
    name: 'version',
    in: 'path',
    required: true,
    description: 'A version that serves or is in Staging: churn-v2.3.1.',
    schema: { type: 'string', minLength: 1, pattern: '^[a-z0-9.-]+$' },
  },
  modelHeader: {
    name: MODEL_HEADER,
    in: 'header',
    required: true,
    description: 'The model’s name.',
    schema: NAME,
  },
  stage: {
    name: 'stage',
    in: 'query',
    description: 'Whether what serves is asked, or the version in Staging.',
    schema: { type: 'string', enum: ASKING_QUERY.stage, default: 'production' },
  },
  explain: {
    name: 'explain',
    in: 'query',
    description: 'Whether each feature’s contribution is told beside the prediction.',
    schema: { type: 'string', enum: ASKING_QUERY.explain, default: 'false' },
  },
  timeout: {
    name: 'x-timeout-ms',
    in: 'header',
    description: 'Milliseconds in which the caller wants an answer.',
    schema: { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT_MS },
  },
  requestId: {
    name: 'x-request-id',
    in: 'header',
    description:
      'Names the request in answers, captures and logs; one is made where there is none, or an empty one.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{0,200}$', maxLength: 200 },
  },
};

const stage = parameter('stage');
const timeout = parameter('timeout');
const model = parameter('model');

const invoke = (named: object) =>
  operation({
    summary: 'Predictions as MLflow’s scoring server answers them; all rows or none.',
    parameters: [named, stage, timeout],
    body: ref('Invocation'),
    answer: ref('InvocationResponse'),
    of: 'prediction',
  });

function openInference(path: string, named: readonly object[]): Record<string, PathItem> {
  const error = 'ProtocolError';
  return {
    [path]: {
      get: operation({
        summary: 'Inputs and outputs of a model, as tensors.',
        parameters: [...named, stage],
        answer: ref('ModelMetadata'),
        of: 'model',
        error,
      }),
    },
    [`${path}/ready`]: {
      get: operation({
        summary: 'Whether the model can be asked.',
        parameters: [...named, stage],
        answer: ref('ModelReady'),
        of: 'model',
        error,
      }),
    },
    [`${path}/infer`]: {
      post: operation({
        summary: 'Predictions in tensors; all rows or none.',
        parameters: [...named, stage, timeout],
        body: ref('InferRequest'),
        answer: ref('InferResponse'),
        of: 'prediction',
        error,
      }),
    },
  };
}

export const PATHS: Readonly<Record<string, PathItem>> = {
  '/v1/predict/{model}': {
    post: operation({
      summary: 'One prediction, or a batch in which each row has an answer or an error of its own.',
      parameters: [model, stage, parameter('explain'), timeout],
      body: ref('PredictRequest'),
      answer: { anyOf: [ref('PredictResponse'), ref('BatchResponse')] },
      of: 'prediction',
    }),
  },
  '/v1/models': {
    get: operation({ summary: 'What serves, with inputs, bounds and memory.', answer: ref('Models') }),
  },
  '/v1/models/{model}/invocations': { post: invoke(model) },
  '/invocations': { post: invoke(parameter('modelHeader')) },
  '/v2': { get: operation({ summary: 'The server.', answer: ref('ServerMetadata') }) },
  '/v2/health/live': { get: operation({ summary: 'The server is alive.', answer: ref('ServerLive') }) },
  '/v2/health/ready': {
    get: operation({
      summary: 'Every released model can be asked.',
      answer: ref('ServerReady'),
      more: { 503: answeredJson('Models are still loading.', ref('ServerReady')) },
    }),
  },
  ...openInference('/v2/models/{model}', [model]),
  ...openInference('/v2/models/{model}/versions/{version}', [model, parameter('version')]),
  '/admin/reload-models': {
    post: operation({
      summary: 'Looks at every release now, and answers when that is done.',
      answer: ref('Reloaded'),
      of: 'model',
    }),
  },
  '/healthz': { get: operation({ summary: 'The process lives.', answer: ref('Health') }) },
  '/readyz': {
    get: operation({
      summary: 'Every released model is loaded.',
      answer: ref('Readiness'),
      more: { 503: answeredJson('Models are still loading.', ref('Readiness')) },
    }),
  },
  '/metrics': {
    get: operation({
      summary: 'Metrics for Prometheus.',
      answer: {},
      more: {
        200: { description: 'The answer.', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    }),
  },
  '/openapi.json': { get: operation({ summary: 'This document.', answer: { type: 'object' } }) },
};
