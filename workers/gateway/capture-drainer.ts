import type { Log } from '../../platform/log';
import type { ObjectStore } from '../../platform/s3';
import { toFiles, toParquet } from './capture-file';
import type { CaptureStream, StreamRange } from './capture-stream';
import type { Lease } from './lease';

/** Moves captured predictions from Redis to S3; of all gateways, one at a time does. */
export interface CaptureDrainer {
  start(): void;
  /** Stores what is waiting, and gives the lease to whoever comes next. */
  stop(): Promise<void>;
  /** `rejected`: what could not be a row, and lies under `predictions/<model>/rejected/` instead. */
  counts(): { files: number; predictions: number; rejected: number; trouble: string | null };
}

interface Options {
  stream: CaptureStream;
  store: Pick<ObjectStore, 'create'>;
  lease: Lease;
  log: Log;
  everyMs?: number;
  /** Files are closed when the oldest entry is this old, or when there are that many (of up to 64 predictions each). */
  maxAgeMs?: number;
  maxEntries?: number;
}

export function createCaptureDrainer({
  stream,
  store,
  lease,
  log,
  everyMs = 1000,
  maxAgeMs = 30_000,
  maxEntries = 800,
}: Options): CaptureDrainer {
  const counts = { files: 0, predictions: 0, rejected: 0, trouble: null as string | null };
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let stopped = false;

  /**
   * A range is settled on before anything is written, so that whoever goes on after a kill stores exactly the same
   * entries under the same keys: what lies there already is not written twice, and nothing is taken away unstored.
   */
  async function storeRange(range: StreamRange): Promise<void> {
    const { files, rejected } = toFiles(range, await stream.read(range));
    for (const file of files) {
      if (!(await store.create(file.key, await toParquet(file)))) continue;
      counts.files += 1;
      counts.predictions += file.rows.length;
    }
    for (const { key, model, records } of rejected) {
      if (!(await store.create(key, JSON.stringify(records)))) continue;
      counts.rejected += records.length;
      log.warn({ model, key, records: records.length }, 'captured predictions fit no file and are set aside');
    }
    await stream.finish(range);
  }

  async function drain(all: boolean): Promise<void> {
    if (!(await lease.hold())) return;
    const pending = await stream.pending();
    if (pending) await storeRange(pending);
    for (;;) {
      const waiting = await stream.waiting();
      const due = waiting && (all || waiting.entries >= maxEntries || waiting.ageMs >= maxAgeMs);
      if (!due || !(await lease.hold())) return;
      const range = await stream.settle(maxEntries);
      if (!range) return;
      await storeRange(range);
    }
  }

  async function tryDrain(all: boolean): Promise<void> {
    try {
      await drain(all);
      counts.trouble = null;
    } catch (error) {
      if (counts.trouble === null)
        log.warn({ err: error }, 'captured predictions cannot be stored; trying on');
      counts.trouble = error instanceof Error ? error.message : String(error);
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      turn = tryDrain(false).finally(schedule);
    }, everyMs);
  }

  return {
    start: schedule,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await turn;
      await tryDrain(true);
      await lease.release().catch(() => undefined);
    },
    counts: () => ({ ...counts }),
  };
}
