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
import { readQuery, type Query } from './query';
import { AbortedRequest, requestIdOf } from './request';
import { sendError } from './response';
import { createRouter, type Method, type Methods, type Router, type RouteTable } from './router';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  /** What stood where the route has a `*`, decoded. */
  parameters: readonly string[];
  query: Query;
  /** `performance.now()` when the request's head was read. */
  startedAt: number;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

export type Routes = RouteTable<Handler>;

export interface HttpServer {
  /** Base URL it listens on. */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, and cuts what is left after `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** Milliseconds. */
export interface Timeouts {
  /** For a request to arrive as a whole. */
  requestTimeout: number;
  /** For its head to. */
  headersTimeout: number;
  /** That a connection may stand idle between two requests: longer than load balancers keep theirs. */
  keepAliveTimeout: number;
  /** Between two looks at which connections are over their time. */
  connectionsCheckingInterval: number;
}

const TIMEOUTS: Timeouts = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
};

/** An HTTP server that answers every request in JSON errors of ours and survives whatever is sent to it. */
export async function startHttpServer(
  routes: Routes,
  { host, port }: { host: string; port: number },
  log: Log,
  timeouts: Partial<Timeouts> = {},
): Promise<HttpServer> {
  const server = createServer({ ...TIMEOUTS, ...timeouts });
  const router = createRouter(routes);
  server.on('request', (request, response) => void dispatch(router, request, response, server, log));
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
  router: Router<Handler>,
  request: IncomingMessage,
  response: ServerResponse,
  server: Server,
  log: Log,
): Promise<void> {
  const startedAt = performance.now();
  let requestId = '';
  let tell = sendError;
  try {
    if (!server.listening) response.setHeader('connection', 'close');
    requestId = requestIdOf(request);
    const url = request.url!;
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const { methods, parameters } = router.find(path);
    tell = methods.sendError ?? tell;
    const handler = handlerOf(methods, path, request, response);
    const query = readQuery(cut < 0 ? '' : url.slice(cut + 1), methods.query);
    await handler({ request, response, requestId, parameters, query, startedAt });
  } catch (error) {
    if (error instanceof AbortedRequest) return;
    if (!(error instanceof MeridianError)) log.error({ err: error, requestId }, 'a request failed');
    tell(response, error, requestId || randomUUID());
  }
}

/** @throws MethodNotAllowed */
function handlerOf(
  methods: Methods<Handler>,
  path: string,
  { method }: IncomingMessage,
  response: ServerResponse,
): Handler {
  const handler = methods[(method === 'HEAD' ? 'GET' : method) as Method];
  if (handler) return handler;
  const allowed = ['GET', 'POST'].filter((known) => known in methods).join(', ');
  response.setHeader('allow', allowed);
  throw new MeridianError(ErrorCode.MethodNotAllowed, `${method} ${path}: expected ${allowed} here.`, [
    { field: 'method', found: method!, expected: allowed },
  ]);
}

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
