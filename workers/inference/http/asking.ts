import type { IncomingMessage } from 'node:http';
import { ErrorCode, MeridianError, show } from '../../../contracts/errors';
import type { ErrorBody, PredictOutcome } from '../../../contracts/scoring';
import type { Exchange } from '../../http/server';
import type { Asking } from '../predictor';

/** Longest time that a caller may give a request, in milliseconds. */
export const MAX_TIMEOUT_MS = 600_000;

/** Query parameters of every way to a prediction. */
export const ASKING_QUERY = { stage: ['production', 'staging'], explain: ['true', 'false'] } as const;

/** @throws InvalidInput where the header `x-timeout-ms` is none */
export function askingOf({ request, query, startedAt }: Exchange): Asking {
  return { startedAt, timeoutMs: timeoutOf(request), staged: query['stage'] === 'staging' };
}

function timeoutOf({ headers }: IncomingMessage): number | undefined {
  const given = headers['x-timeout-ms'];
  if (given === undefined) return undefined;
  const timeout = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (timeout >= 1 && timeout <= MAX_TIMEOUT_MS) return timeout;
  const expected = `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`;
  throw new MeridianError(ErrorCode.InvalidInput, `Header x-timeout-ms: expected ${expected}.`, [
    { field: 'x-timeout-ms', found: show(given), expected },
  ]);
}

const OF_THE_REQUEST: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.UnknownModel,
  ErrorCode.ModelNotReady,
  ErrorCode.Overloaded,
  ErrorCode.DeadlineExceeded,
  ErrorCode.DependencyUnavailable,
  ErrorCode.InternalError,
]);

/** The one error of all rows, where it is no row's own: such a request is refused as a whole, and may be tried again. */
export function commonError(outcomes: readonly PredictOutcome[], requestId: string): ErrorBody | null {
  const [first] = outcomes;
  if (!first || first.ok || !OF_THE_REQUEST.has(first.error.code)) return null;
  const { code } = first.error;
  const isCommon = outcomes.every((outcome) => !outcome.ok && outcome.error.code === code);
  return isCommon ? { ...first.error, request_id: requestId } : null;
}
