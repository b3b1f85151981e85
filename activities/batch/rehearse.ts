import { join } from 'node:path';
import type { Rehearsal } from '../../contracts/batch';
import type { ServedVersion } from '../../contracts/release';
import { openDatabase } from '../../platform/duckdb';
import { listPartitionDays, withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { readDay } from './points';
import { loadSeriesModel, scorePoints } from './score-day';

export interface RehearsalRequest {
  candidate: ServedVersion;
  champion: ServedVersion | null;
  /** The raw table of points. */
  table: string;
}

/** @see createBatchActivities */
export async function rehearse(
  store: ObjectStore,
  { candidate, champion, table }: RehearsalRequest,
): Promise<Rehearsal | null> {
  const day = (await listPartitionDays(store, `raw/${table}/`)).at(-1);
  if (day === undefined) return null;
  return withPartitionCache(store, async (cache) => {
    const score = async (served: ServedVersion) => {
      const artifact = await loadSeriesModel(store, served);
      const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
      try {
        const read = await readDay(database, cache, { table, day, signature: artifact.signature });
        const { scores } = await scorePoints(artifact, read, (done) =>
          heartbeat({ phase: 'scoring', version: served.version, day, done }),
        );
        return { scored: scores.length, anomalous: scores.filter((one) => one > 1).length };
      } finally {
        database.close();
        await artifact.release();
      }
    };
    return { day, candidate: await score(candidate), champion: champion && (await score(champion)) };
  });
}
