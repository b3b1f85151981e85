import { ref, type Schema } from './schemas';

/** A path's operations, as OpenAPI writes them. */
export type PathItem = Readonly<Partial<Record<'get' | 'post', object>>>;

const WHY: Readonly<Record<number, string>> = {
  400: 'The request is not what it should be: InvalidInput or MalformedJson.',
  403: 'The entity has opted out: EntityOptedOut.',
  404: 'No such path, model, version or entity: RouteNotFound, UnknownModel, UnknownEntity.',
  405: 'Another method is expected here: MethodNotAllowed.',
  408: 'The request did not arrive in time.',
  409: 'Nothing is loaded to answer: ModelNotReady.',
  413: 'The body is too large: BodyTooLarge.',
  415: 'The body is no JSON: UnsupportedMediaType.',
  422: 'The features are not the model’s: InvalidFeatures.',
  429: 'Too many rows wait: Overloaded. Try again in a moment.',
  431: 'The head of the request is too large.',
  500: 'It failed here: InternalError. Try again.',
  503: 'Another system does not answer: DependencyUnavailable. Try again.',
  504: 'The deadline passed: DeadlineExceeded.',
};

/** What any request may be answered, before it is looked at. */
const ANY = [400, 404, 405, 408, 431, 500];
const OF_A_BODY = [413, 415];
const OF_A_MODEL = [409, 503];
const OF_A_PREDICTION = [403, 422, 429, 504];

const json = (schema: Schema) => ({ 'application/json': { schema } });

interface Operation {
  summary: string;
  answer: Schema;
  body?: Schema;
  parameters?: readonly object[];
  /** Whether a model is asked for, or for predictions. */
  of?: 'model' | 'prediction';
  error?: string;
  /** Answers beside 200 that are no errors. */
  more?: Record<string, object>;
}

/** One operation with all that it may be answered. */
export function operation({
  summary,
  answer,
  body,
  parameters,
  of,
  error = 'Error',
  more,
}: Operation): object {
  const statuses = [
    ...ANY,
    ...(body ? OF_A_BODY : []),
    ...(of ? OF_A_MODEL : []),
    ...(of === 'prediction' ? OF_A_PREDICTION : []),
  ];
  return {
    summary,
    parameters: [{ $ref: '#/components/parameters/requestId' }, ...(parameters ?? [])],
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: {
      200: { description: 'The answer.', content: json(answer) },
      ...Object.fromEntries(
        statuses.map((status) => [
          status,
          { description: WHY[status], content: json(errorOf(status, error)) },
        ]),
      ),
      ...more,
    },
  };
}

/** What was refused before its path was known is told as everywhere. */
const errorOf = (status: number, error: string): Schema =>
  error !== 'Error' && ANY.includes(status) ? { anyOf: [ref(error), ref('Error')] } : ref(error);

export const answeredJson = (description: string, schema: Schema) => ({ description, content: json(schema) });
