import { openPlatform } from '../../client/platform';
import { lastCompleteDay, pacificDate } from '../../workflows/shared/pacific-date';
import type { Stack } from '../stack/stack';
import { startPlatform, type Ground } from './steps';
import type { Teller } from './teller';

/** Starts what of the platform does not run, and gives `use` what the steps of a job work with. */
export async function withGround<T>(
  stack: Stack,
  teller: Teller,
  now: Date,
  use: (ground: Ground) => Promise<T>,
): Promise<T> {
  await startPlatform(stack, teller);
  Object.assign(process.env, stack.env());
  const platform = openPlatform();
  try {
    return await use({
      client: await platform.temporal(),
      store: platform.store(),
      env: stack.env(),
      teller,
      day: lastCompleteDay(now),
      date: pacificDate(now),
    });
  } finally {
    await platform.close();
  }
}

/** `2026-11-20-17-05-59`: a label for one more run on the same day. */
export const momentLabel = (now: Date): string => now.toISOString().slice(0, 19).replaceAll(/[:T]/g, '-');
