import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ErrorCode, MeridianError } from '../../contracts/errors';

/** Largest request body, in bytes. */
export const MAX_BODY = 1024 * 1024;

const REQUEST_ID = /^[\x21-\x7e]{1,200}$/;
export const REQUEST_ID_EXPECTED = 'at most 200 printable ASCII characters without a space';
export const isRequestId = (text: string): boolean => REQUEST_ID.test(text);

/**
 * The caller's `x-request-id`, or a new one.
 * @throws InvalidInput where it is longer than 200 characters or holds a space.
 */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  if (given === undefined || given === '') return randomUUID();
  if (typeof given === 'string' && isRequestId(given)) return given;
  const expected = REQUEST_ID_EXPECTED;
  throw new MeridianError(ErrorCode.InvalidInput, `Header x-request-id: expected ${expected}.`, [
    { field: 'x-request-id', found: `${String(given).length} characters`, expected },
  ]);
}

/**
 * Reads a JSON object off the wire.
 * @throws UnsupportedMediaType, BodyTooLarge, MalformedJson (also invalid UTF-8 and an empty body), InvalidInput where
 * it is JSON but no object. Rejects with an AbortedRequest where the caller went away.
 */
export async function readJsonObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  checkMediaType(request.headers['content-type']);
  const body = await readBody(request);
  if (body.length === 0) throw malformed('found an empty body');
  if (!isUtf8(body)) throw malformed('found bytes that are no UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw malformed((error as Error).message);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  const found = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
  throw new MeridianError(ErrorCode.InvalidInput, `The body: expected a JSON object, found ${found}.`, [
    { field: '(body)', found, expected: 'a JSON object' },
  ]);
}

/** The caller hung up before the body was whole; there is nobody to answer. */
export class AbortedRequest extends Error {}

function checkMediaType(contentType: string | undefined): void {
  const [type, ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (type === 'application/json' && (!charset || /^charset="?utf-8"?$/.test(charset))) return;
  const found = contentType ? JSON.stringify(contentType) : 'nothing';
  throw new MeridianError(
    ErrorCode.UnsupportedMediaType,
    `Header content-type: expected application/json in UTF-8, found ${found}.`,
    [{ field: 'content-type', found, expected: 'application/json' }],
  );
}

function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) {
      discard(request);
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY) {
        chunks.push(chunk);
        return;
      }
      request.off('data', onData);
      discard(request);
      reject(tooLarge());
    };
    request.on('data', onData);
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', () => reject(new AbortedRequest()));
    // Told of every request; an error made in vain each time would cost a twentieth of what answers cost.
    request.on('close', () => {
      if (!request.complete) reject(new AbortedRequest());
    });
  });
}

/** Lets a caller that is still sending read the refusal, but not send for ever. */
function discard(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > 16 * MAX_BODY) request.destroy();
  });
  request.on('error', () => undefined);
}

function tooLarge(): MeridianError {
  return new MeridianError(
    ErrorCode.BodyTooLarge,
    `The body: expected at most ${MAX_BODY} bytes. Send fewer rows a request.`,
    [{ field: '(body)', found: `more than ${MAX_BODY} bytes`, expected: `at most ${MAX_BODY} bytes` }],
  );
}

function malformed(reason: string): MeridianError {
  return new MeridianError(ErrorCode.MalformedJson, `The body: expected JSON, ${reason}.`, [
    { field: '(body)', found: reason.replace(/^found /, ''), expected: 'JSON' },
  ]);
}
