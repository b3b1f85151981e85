import { inferenceWorkerKey, type InferenceWorkerRecord } from '../../contracts/release';
import type { Redis } from '../../platform/redis';

const TTL_SECONDS = 10;
const REFRESH_MS = 2000;

/** Keeps this worker's record in Redis while it lives. */
export interface Presence {
  /** Writes the record now, and goes on refreshing it. Never rejects: a record that is missed once is written again. */
  announce(): Promise<void>;
  /** Writes it again after a change, where it has been announced. */
  update(): void;
  /** Takes the record away, so that nobody waits for a worker that has left. */
  withdraw(): Promise<void>;
}

export function createPresence(redis: Redis, id: string, describe: () => InferenceWorkerRecord): Presence {
  let timer: NodeJS.Timeout | undefined;
  let withdrawn = false;

  async function write(): Promise<void> {
    if (withdrawn) return;
    await redis
      .set(inferenceWorkerKey(id), JSON.stringify(describe()), 'EX', TTL_SECONDS)
      .catch(() => undefined);
  }

  return {
    async announce() {
      timer ??= setInterval(() => void write(), REFRESH_MS).unref();
      await write();
    },
    update() {
      if (timer) void write();
    },
    async withdraw() {
      withdrawn = true;
      clearInterval(timer);
      await redis.del(inferenceWorkerKey(id)).catch(() => undefined);
    },
  };
}
