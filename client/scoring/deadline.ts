import { ErrorCode, MeridianError, show } from '../../contracts/errors';

/** What the last look at Temporal found wrong; null where nothing is known to be. */
export interface Reach {
  problem: string | null;
}

export interface Deadline {
  /** Epoch milliseconds. */
  at: number;
  timeoutMs: number;
}

const MAX_TIMEOUT_MS = 600_000;

/** @throws InvalidInput where it is no time that a caller may give, as over HTTP */
export function deadlineAfter(timeoutMs: number): Deadline {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)
    return { at: Date.now() + timeoutMs, timeoutMs };
  const expected = `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`;
  const found = show(timeoutMs);
  throw new MeridianError(ErrorCode.InvalidInput, `timeoutMs: expected ${expected}, found ${found}.`, [
    { field: 'timeoutMs', found, expected },
  ]);
}

/** A call may wait behind others with later deadlines; its own holds all the same. */
export async function beforeDeadline<T>(
  model: string,
  deadline: Deadline,
  reach: Reach,
  work: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(model, deadline, reach)), deadline.at - Date.now());
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a call is told whose deadline has passed. */
export function tooLate(model: string, { timeoutMs }: Deadline, { problem }: Reach): MeridianError {
  if (problem !== null)
    return new MeridianError(
      ErrorCode.DependencyUnavailable,
      `${model}: no prediction within ${timeoutMs} ms: ${problem}. Check that Temporal is up, then try again.`,
    );
  return new MeridianError(
    ErrorCode.DeadlineExceeded,
    `${model}: no prediction within ${timeoutMs} ms. Give it more time, or try again; if it lasts, check that an inference worker is up.`,
  );
}
