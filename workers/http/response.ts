import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { HTTP_STATUS, type ErrorBody } from '../../contracts/scoring';

export function sendJson(response: ServerResponse, status: number, body: unknown, requestId?: string): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body), requestId);
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  send(response, status, type, text);
}

/** An error in the shape every caller knows: `{"error": {code, message, fields, request_id}}`. */
export function sendErrorBody(response: ServerResponse, error: ErrorBody): void {
  sendFailure(response, error.code, { error }, error.request_id);
}

/** Any body under the status of the code. */
export function sendFailure(
  response: ServerResponse,
  code: ErrorCode,
  body: unknown,
  requestId: string,
): void {
  if (code === ErrorCode.BodyTooLarge) response.setHeader('connection', 'close');
  sendJson(response, HTTP_STATUS[code] ?? 500, body, requestId);
}

export function sendError(response: ServerResponse, cause: unknown, requestId: string): void {
  const { code, message, fields } = asMeridianError(cause);
  sendErrorBody(response, { code, message, fields, request_id: requestId });
}

/** What is no error of ours is told as InternalError, and nothing else of it. */
export function asMeridianError(cause: unknown): MeridianError {
  if (cause instanceof MeridianError) return cause;
  return new MeridianError(
    ErrorCode.InternalError,
    'The request failed here, not by its own fault. Try again; if it lasts, look for its request_id in the log.',
  );
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  requestId?: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const headers: OutgoingHttpHeaders = { 'content-type': type, 'content-length': Buffer.byteLength(text) };
  if (requestId !== undefined) headers['x-request-id'] = requestId;
  response.writeHead(status, headers);
  response.end(text);
}
