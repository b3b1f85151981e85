import { randomUUID } from 'node:crypto';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Log } from '../../platform/log';
import { AbortedRequest, requestIdOf } from './request';
import { sendError } from './response';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  /** The path's last part where the route ends in `*`, decoded. */
  parameter: string;
  /** `performance.now()` when the request's head was read. */
  startedAt: number;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** `/healthz` → method → handler; a path that ends in `/*` takes one more part. */
export type Routes = Record<string, Partial<Record<'GET' | 'POST', Handler>>>;

export interface HttpServer {
  /** Base URL it listens on. */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, and cuts what is left after `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** An HTTP server that answers every request in JSON errors of ours and survives whatever is sent to it. */
export async function startHttpServer(
  routes: Routes,
  { host, port }: { host: string; port: number },
  log: Log,
): Promise<HttpServer> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 });
  server.on('request', (request, response) => void dispatch(routes, request, response, server, log));
  server.on('clientError', refuseUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${address.port}`,
    close: (graceMs = 10_000) => closeGracefully(server, graceMs),
  };
}

async function dispatch(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  server: Server,
  log: Log,
): Promise<void> {
  const startedAt = performance.now();
  let requestId = '';
  try {
    if (!server.listening) response.setHeader('connection', 'close');
    requestId = requestIdOf(request);
    const { handler, parameter } = find(routes, request, response);
    await handler({ request, response, requestId, parameter, startedAt });
  } catch (error) {
    if (error instanceof AbortedRequest) return;
    if (!(error instanceof MeridianError)) log.error({ err: error, requestId }, 'a request failed');
    sendError(response, error, requestId || randomUUID());
  }
}

function find(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): { handler: Handler; parameter: string } {
  const path = request.url!.split('?', 1)[0]!;
  const cut = path.lastIndexOf('/') + 1;
  const exact = routes[path];
  const methods = exact ?? routes[`${path.slice(0, cut)}*`];
  if (!methods) {
    throw new MeridianError(ErrorCode.RouteNotFound, `${path}: no such path; there are ${pathsOf(routes)}.`);
  }
  const handler = methods[(request.method === 'HEAD' ? 'GET' : request.method) as 'GET' | 'POST'];
  if (!handler) {
    const allowed = Object.keys(methods).join(', ');
    response.setHeader('allow', allowed);
    throw new MeridianError(
      ErrorCode.MethodNotAllowed,
      `${request.method} ${path}: expected ${allowed} here.`,
      [{ field: 'method', found: request.method!, expected: allowed }],
    );
  }
  return { handler, parameter: exact ? '' : decode(path.slice(cut)) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const pathsOf = (routes: Routes): string =>
  Object.entries(routes)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    .join(', ');

/** What Node could not read as HTTP: answered where the line still stands, then hung up. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const message = `The request could not be read as HTTP: ${error.message}.`;
  const body = JSON.stringify({
    error: { code: ErrorCode.InvalidInput, message, fields: [], request_id: randomUUID() },
  });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

async function closeGracefully(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}
