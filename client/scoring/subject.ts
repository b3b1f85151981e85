import { ErrorCode, MeridianError, show, type FieldProblem } from '../../contracts/errors';
import { MAX_REQUEST_ID, type PredictRow } from '../../contracts/scoring';

/** Feature values by name; or the entity whose features are looked up online. */
export type PredictionSubject = Record<string, unknown> | { entity: Record<string, unknown> };

/** Sixty-four such rows fit one Temporal payload (2 MiB). */
const MAX_ROW_BYTES = 24 * 1024;

/**
 * A subject as it travels. What is wrong with it is told to its own caller: a scorer refuses an update whole, and with it
 * the rows of everyone it was gathered with.
 * @throws InvalidInput where the request ID is none; InvalidFeatures where JSON would lose a value (NaN and infinities
 * become null, which means missing); or BodyTooLarge.
 */
export function toRow(requestId: string, subject: PredictionSubject): PredictRow {
  checkRequestId(requestId);
  const { entity } = subject;
  const named = typeof entity === 'object' && entity !== null && Object.keys(subject).length === 1;
  const values = (named ? entity : subject) as Record<string, unknown>;
  const lost = Object.entries(values).filter(([, value]) => isLostInJson(value));
  if (lost.length > 0) throw invalid(lost.map(([field, value]) => problem(field, value)));
  const row = named ? { requestId, entity: values } : { requestId, features: values };
  checkSize(row);
  return row;
}

function checkRequestId(requestId: unknown): void {
  // Characters as JSON Schema counts them: code points.
  const length = typeof requestId === 'string' ? Array.from(requestId).length : 0;
  if (length >= 1 && length <= MAX_REQUEST_ID) return;
  const expected = `text of 1 to ${MAX_REQUEST_ID} characters`;
  const found = show(requestId);
  throw new MeridianError(ErrorCode.InvalidInput, `requestId: expected ${expected}, found ${found}.`, [
    { field: 'requestId', found, expected },
  ]);
}

function isLostInJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return !['string', 'boolean', 'object'].includes(typeof value);
}

function problem(field: string, value: unknown): FieldProblem {
  return {
    field,
    found: show(value),
    expected: 'a value that JSON can carry: a finite number, text, true, false or null',
  };
}

function invalid(fields: FieldProblem[]): MeridianError {
  const text = fields.map(({ field, found, expected }) => `${field}: expected ${expected}, found ${found}`);
  return new MeridianError(ErrorCode.InvalidFeatures, `${text.join('; ')}.`, fields);
}

function checkSize(row: PredictRow): void {
  let bytes: number;
  try {
    bytes = Buffer.byteLength(JSON.stringify(row));
  } catch (cause) {
    throw new MeridianError(
      ErrorCode.InvalidFeatures,
      `The row cannot be written as JSON: ${String(cause)}`,
      [],
      {
        cause,
      },
    );
  }
  if (bytes <= MAX_ROW_BYTES) return;
  throw new MeridianError(
    ErrorCode.BodyTooLarge,
    `The row: expected at most ${MAX_ROW_BYTES} bytes of JSON, found ${bytes}.`,
    [{ field: '(row)', found: `${bytes} bytes`, expected: `at most ${MAX_ROW_BYTES} bytes` }],
  );
}
