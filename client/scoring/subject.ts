import { ErrorCode, MeridianError, show, type FieldProblem, problemText } from '../../contracts/errors';
import { MAX_REQUEST_ID, type PredictRow } from '../../contracts/scoring';

/** Feature values by name; or the entity whose features are looked up online. */
export type PredictionSubject = Record<string, unknown> | { entity: Record<string, unknown> };

/** A quarter of what travels in one update: a row's neighbours get their places. */
const MAX_ROW_BYTES = 256 * 1024;

/**
 * A subject as it travels. What is wrong with it is told to its own caller: a scorer refuses an update whole, and with it
 * the rows of everyone it was gathered with.
 * @throws InvalidInput where the request ID or the subject is none; InvalidFeatures where JSON would lose a value (NaN and
 * infinities become null, which means missing) or a value holds others; or BodyTooLarge.
 */
export function toRow(requestId: string, subject: PredictionSubject, explain = false): PredictRow {
  checkRequestId(requestId);
  if (!isObject(subject)) throw wrong('(subject)', subject, 'feature values by name, or {entity}');
  const named = isObject(subject['entity']) && Object.keys(subject).length === 1;
  const values = (named ? subject['entity'] : subject) as Record<string, unknown>;
  const unfit = Object.entries(values).filter(([, value]) => !isScalar(value));
  if (unfit.length > 0)
    throw invalid(
      named ? ErrorCode.InvalidInput : ErrorCode.InvalidFeatures,
      unfit.map(([field, value]) => problem(named ? `entity.${field}` : field, value)),
    );
  const row: PredictRow = named ? { requestId, entity: values } : { requestId, features: values };
  if (explain) row.explain = true;
  return row;
}

/**
 * Bytes of the row as it travels.
 * @throws BodyTooLarge beyond what one row may have
 */
export function sizeOfRow(row: PredictRow): number {
  const bytes = Buffer.byteLength(JSON.stringify(row));
  if (bytes <= MAX_ROW_BYTES) return bytes;
  throw new MeridianError(
    ErrorCode.BodyTooLarge,
    `The row: expected at most ${MAX_ROW_BYTES} bytes of JSON, found ${bytes}.`,
    [{ field: '(row)', found: `${bytes} bytes`, expected: `at most ${MAX_ROW_BYTES} bytes` }],
  );
}

function checkRequestId(requestId: unknown): void {
  // Characters as JSON Schema counts them: code points. A lone surrogate is none, and UTF-8 has no bytes for it.
  const isText = typeof requestId === 'string' && !/\p{Surrogate}/u.test(requestId);
  const length = isText ? Array.from(requestId).length : 0;
  if (length < 1 || length > MAX_REQUEST_ID)
    throw wrong('requestId', requestId, `text of 1 to ${MAX_REQUEST_ID} characters`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}

function wrong(field: string, value: unknown, expected: string): MeridianError {
  return invalid(ErrorCode.InvalidInput, [{ field, found: show(value), expected }]);
}

function problem(field: string, value: unknown): FieldProblem {
  return { field, found: show(value), expected: 'a finite number, text, true, false or null' };
}

function invalid(code: ErrorCode, fields: FieldProblem[]): MeridianError {
  const text = fields.map(problemText);
  return new MeridianError(code, `${text.join('; ')}.`, fields);
}
