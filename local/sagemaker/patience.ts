import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, MeridianError } from '../../contracts/errors';

/** How long S3 may be away before a job gives up on it. */
const PATIENCE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 10_000;

/** Repeats what fails only because S3 does not answer. */
export async function withPatience<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (let pause = 200; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof MeridianError && error.code === ErrorCode.DependencyUnavailable;
      if (!away || Date.now() + pause > until) throw error;
      await sleep(pause, undefined, { signal });
    }
  }
}
