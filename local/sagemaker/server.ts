import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { Log } from '../../platform/log';
import { isOperation, readRequest } from './api/constraints';
import { ApiError, serializationError } from './api/errors';
import type { TrainingService } from './service';

const LARGEST_BODY = 4 * 1024 * 1024;
const TARGET = /^SageMaker\.(\w+)$/;

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** The HTTP side: AWS JSON 1.1 on `POST /`, and the service's own routes below `/_local/`. */
export function createSagemakerServer(service: TrainingService, log: Log): Server {
  return createServer((request, response) => {
    answer(service, request)
      .catch((error: unknown) => toAnswer(error, log))
      .then((result) => send(response, result))
      .catch((error: unknown) => log.error({ error }, 'an answer could not be sent'));
  });
}

async function answer(service: TrainingService, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://sagemaker');
  if (url.pathname.startsWith('/_local/')) return local(service, request.method ?? 'GET', url);
  const target = TARGET.exec(String(request.headers['x-amz-target'] ?? ''))?.[1];
  if (request.method !== 'POST' || !target || !isOperation(target)) {
    throw new ApiError(
      'UnknownOperationException',
      `The local service does not know ${target ?? request.url}.`,
    );
  }
  const body = parse(await read(request));
  const operation = service.operations[target] as (request: unknown) => Promise<object>;
  return json(200, await operation(readRequest(target, body)));
}

async function local(service: TrainingService, method: string, url: URL): Promise<Answer> {
  if (url.pathname === '/_local/healthz') return json(200, { status: 'ok' });
  const [, name, verb] = /^\/_local\/training-jobs\/([^/]+)\/(interrupt|log)$/.exec(url.pathname) ?? [];
  if (name && verb === 'interrupt' && method === 'POST') return json(200, await service.interrupt(name));
  if (name && verb === 'log' && method === 'GET') {
    const lines = await service.log(name, Math.max(1, Number(url.searchParams.get('tail') ?? 100) || 100));
    return {
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: lines.map((line) => `${line}\n`).join(''),
    };
  }
  return json(404, { message: `No such route: ${method} ${url.pathname}` });
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
