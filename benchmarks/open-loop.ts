import { setTimeout as sleep } from 'node:timers/promises';

export interface Load {
  callsASecond: number;
  seconds: number;
}

/**
 * Calls at fixed moments, whether or not earlier calls have been answered, and times each from the moment it was due:
 * a call that had to wait for a busy process has waited all the same.
 * @returns milliseconds, a value a call
 * @throws what any call throws, once all have ended
 */
export async function openLoop(
  { callsASecond, seconds }: Load,
  call: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const begin = performance.now();
  const calls: Promise<number>[] = [];
  for (let index = 0; index < callsASecond * seconds; index += 1) {
    const due = begin + (index * 1000) / callsASecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    calls.push(call(index).then(() => performance.now() - due));
  }
  const failed = (await Promise.allSettled(calls)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return Promise.all(calls);
}
