import inferRequest from '../../../../contracts/schemas/infer-request.json';
import invocation from '../../../../contracts/schemas/invocation.json';
import { ErrorCode } from '../../../../contracts/errors';
import { MAX_INSTANCES } from '../../../../contracts/scoring';

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const integer: Schema = { type: 'integer' };
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const mapOf = (additionalProperties: Schema): Schema => ({ type: 'object', additionalProperties });

/** Exactly these properties: those in `optional` may be absent. */
function record(properties: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
  };
}

/** A contract's own schema, as a part of this document: without the name that it has by itself. */
const embedded = (contract: object): Schema =>
  Object.fromEntries(Object.entries(contract).filter(([key]) => key !== '$id' && key !== 'title'));

const features: Schema = { type: 'object', description: 'Feature values by name; null where there is none.' };
const entity: Schema = {
  type: 'object',
  description: 'Join keys by name; the features are looked up online.',
};
const row: Schema = { oneOf: [record({ features }), record({ entity })] };
/** In a batch, what is wrong within a row is that row's own error; another field beside these is the request's. */
const instance: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    features: { description: features['description'] },
    entity: { description: entity['description'] },
  },
};
const instances: Schema = { type: 'array', minItems: 1, maxItems: MAX_INSTANCES, items: instance };

const errorProperties = {
  code: { type: 'string', enum: Object.values(ErrorCode) },
  fields: listOf(record({ field: text, found: text, expected: text })),
  request_id: text,
};
const tensor = record({ name: text, datatype: text, shape: listOf(integer) }, { parameters: mapOf(text) });
const model: Record<string, Schema> = {
  name: text,
  generation: integer,
  production: text,
  variants: listOf(record({ version: text, mode: text, weight: number })),
  kind: text,
  inputs: listOf(record({ name: text, type: text }, { categories: listOf(text) })),
  limits: {
    anyOf: [record({ maxBatch: integer, maxWaiting: integer, maxWaitMs: number }), { type: 'null' }],
  },
  memory: record({ graphBytes: integer, rssGrowthBytes: integer }),
};
const loaded = mapOf(
  record({ generation: integer, versions: listOf(text), problem: { type: ['string', 'null'] } }),
);

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: record({ error: record({ ...errorProperties, message: text }) }),
  PredictRequest: { oneOf: [...(row['oneOf'] as Schema[]), record({ instances })] },
  Prediction: {
    description: 'A probability or a number; of a text, its class.',
    anyOf: [number, record({ label: text, scores: mapOf(number) })],
  },
  Explanation: {
    description:
      'What each feature did to the answer, in log-odds or in the unit of a regression; base and contributions add up.',
    ...record({ base_value: number, contributions: mapOf(number) }),
  },
  PredictResponse: record(
    { prediction: ref('Prediction'), model_version: text, latency_ms: number },
    { explanation: ref('Explanation') },
  ),
  BatchResponse: record({
    predictions: listOf({
      anyOf: [
        record({ prediction: ref('Prediction'), model_version: text }, { explanation: ref('Explanation') }),
        ref('Error'),
      ],
    }),
    model_version: {
      type: 'string',
      description: 'The version that serves; each row says which answered it.',
    },
    latency_ms: number,
  }),
  Models: record({ models: listOf(record(model)) }),
  Reloaded: record({ models: loaded }),
  Readiness: record({ status: { type: 'string', enum: ['ready', 'loading'] }, models: loaded }),
  Health: record({
    status: { type: 'string', const: 'ok' },
    worker: text,
    captures: record({ captured: integer, dropped: integer }),
    store: text,
  }),
  ProtocolError: record({ ...errorProperties, error: text }),
  ServerMetadata: record({ name: text, version: text, extensions: listOf(text) }),
  ServerLive: record({ live: { type: 'boolean' } }),
  ServerReady: record({ ready: { type: 'boolean' } }),
  ModelReady: record({ name: text, ready: { type: 'boolean' } }),
  ModelMetadata: record({
    name: text,
    versions: listOf(text),
    platform: text,
    inputs: listOf(tensor),
    outputs: listOf(tensor),
  }),
  InferRequest: embedded(inferRequest),
  InferResponse: record({
    model_name: text,
    model_version: text,
    id: text,
    outputs: listOf(
      record(
        { name: text, datatype: text, shape: listOf(integer), data: listOf({ type: ['number', 'string'] }) },
        { parameters: mapOf(text) },
      ),
    ),
  }),
  Invocation: embedded(invocation),
  InvocationResponse: record({ predictions: listOf(ref('Prediction')) }),
};
