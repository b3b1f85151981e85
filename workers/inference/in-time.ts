import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { PredictOutcome } from '../../contracts/scoring';
import type { Asking } from './predictor';
import { failure } from './work';

/** The outcomes, or those of a deadline that passed before they came: whoever set one is not kept waiting. */
export function inTime(
  outcomes: Promise<PredictOutcome[]>,
  { startedAt, timeoutMs }: Asking,
  requestIds: readonly string[],
): Promise<PredictOutcome[]> {
  if (timeoutMs === undefined) return outcomes;
  return new Promise((resolve) => {
    const late = (): void =>
      resolve(requestIds.map((requestId) => failure({ requestId }, deadlinePassed(timeoutMs))));
    const timer = setTimeout(late, Math.max(1, startedAt! + timeoutMs - performance.now()));
    void outcomes.then(resolve).finally(() => clearTimeout(timer));
  });
}

function deadlinePassed(timeoutMs: number): MeridianError {
  return new MeridianError(
    ErrorCode.DeadlineExceeded,
    `No answer within the ${timeoutMs} ms that the caller set. Give it more time, or try again.`,
  );
}
