import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { Log } from '../../platform/log';
import { isOperation, readRequest } from './api/constraints';
import { ApiError, serializationError, throttled } from './api/errors';
import { takeTicket } from './faults/tickets';
import { answerLocally } from './local-routes';
import type { SagemakerService } from './service';

const LARGEST_BODY = 4 * 1024 * 1024;
/** Operations of SageMaker by their name alone, those of CloudWatch Logs by that of their service as well. */
const TARGET = /^SageMaker\.(\w+)$|^(Logs_20140328\.\w+)$/;

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** The HTTP side: AWS JSON 1.1 on `POST /`, and the service's own routes below `/_local/`. */
export function createSagemakerServer(service: SagemakerService, log: Log): Server {
  return createServer((request, response) => {
    answer(service, request)
      .catch((error: unknown) => toAnswer(error, log))
      .then((result) => send(response, result))
      .catch((error: unknown) => log.error({ error }, 'an answer could not be sent'));
  });
}

async function answer(service: SagemakerService, request: IncomingMessage): Promise<Answer> {
  const url = new URL(`http://sagemaker${request.url ?? '/'}`);
  if (url.pathname.startsWith('/_local/')) return local(service, request, url);
  const [, own, ofLogs] = TARGET.exec(String(request.headers['x-amz-target'] ?? '')) ?? [];
  const target = own ?? ofLogs;
  if (request.method !== 'POST' || !target || !isOperation(target)) {
    throw new ApiError(
      'UnknownOperationException',
      `The local service does not know ${target ?? request.url}.`,
    );
  }
  const body = parse(await read(request));
  if (await takeTicket(service.options.home, { fault: 'throttling', operation: target })) throw throttled();
  const operation = service.operations[target] as (request: unknown) => Promise<object>;
  return json(200, await operation(ofLogs ? readLogRequest(target, body) : readRequest(target, body)));
}

/** CloudWatch Logs has a name of its own for what SageMaker calls a ValidationException. */
function readLogRequest(operation: string, body: unknown): Record<string, unknown> {
  try {
    return readRequest(operation, body);
  } catch (error) {
    const isOurs = error instanceof ApiError && error.type === 'ValidationException';
    throw isOurs ? new ApiError('InvalidParameterException', error.message) : error;
  }
}

async function local(service: SagemakerService, request: IncomingMessage, url: URL): Promise<Answer> {
  const method = request.method ?? 'GET';
  const parsed = parse(await read(request));
  const body = parsed !== null && typeof parsed === 'object' ? { ...parsed } : {};
  const answered = await answerLocally(service, { method, url, body });
  if (!answered) return json(404, { message: `No such route: ${method} ${url.pathname}` });
  if ('json' in answered) return json(200, answered.json);
  return { status: 200, type: 'text/plain; charset=utf-8', body: answered.text };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY)
      throw new ApiError('RequestEntityTooLargeException', 'The request is too large.', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw serializationError('The request body is not valid JSON.');
  }
}

function toAnswer(error: unknown, log: Log): Answer {
  if (error instanceof ApiError) {
    return json(error.httpStatus, { __type: error.type, message: error.message });
  }
  log.error({ error }, 'a request failed');
  return json(500, {
    __type: 'InternalFailure',
    message: 'The request failed because of an internal error.',
  });
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/x-amz-json-1.1',
  body: JSON.stringify(body),
});

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(body);
}
