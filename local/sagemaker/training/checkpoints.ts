import { setTimeout as sleep } from 'node:timers/promises';
import { CheckpointSync, restoreCheckpoints } from '../container/checkpoints';
import { withPatience } from '../patience';
import type { Training } from './supervise';

const SYNC_EVERY_MS = 1000;

/** Brings back the checkpoints of earlier starts, before the program begins; null where the job has none. */
export async function takeUpCheckpoints(
  { record, storage }: Training,
  folder: string,
): Promise<CheckpointSync | null> {
  const uri = record.request.CheckpointConfig?.S3Uri;
  if (!uri) return null;
  await restoreCheckpoints(uri, folder, storage);
  const sync = new CheckpointSync(uri, folder, storage);
  await sync.begin();
  return sync;
}

/** Uploads checkpoints while a program runs; the returned function ends that, with a last upload if asked. */
export function keepCheckpoints(sync: CheckpointSync): (last: boolean) => Promise<void> {
  const end = new AbortController();
  const rounds = (async () => {
    while (!end.signal.aborted) {
      // A round that fails (S3 away, a file gone while it was read) is made up for by the next.
      await sync.sync().catch(() => undefined);
      await sleep(SYNC_EVERY_MS, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  return async (last) => {
    end.abort();
    await rounds;
    if (last) await withPatience(() => sync.sync());
  };
}
