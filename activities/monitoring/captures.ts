import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { createWorkFolder } from '../../platform/work-folder';

/** Requests, each once, however often its answer was captured. */
export interface CapturedCounts {
  /** Answered. */
  predictions: number;
  /** Failed: they prove nothing of a version, and count for nothing. */
  failed: number;
}

/** Counts captured predictions of a version since a moment (ISO 8601); reads only the hours since then. */
export async function countCaptured(
  store: ObjectStore,
  { model, version, since }: { model: string; version: string; since: string },
): Promise<CapturedCounts> {
  const from = new Date(since);
  const [day, clock] = from.toISOString().split('T');
  const firstHour = `predictions/${model}/dt=${day}/hour=${clock!.slice(0, 2)}/`;
  const objects = (await store.list(`predictions/${model}/dt=`)).filter(({ key }) => key >= firstHour);
  if (objects.length === 0) return { predictions: 0, failed: 0 };

  const folder = await createWorkFolder();
  try {
    const paths = objects.map((_, index) => join(folder, `${index}.parquet`));
    for (const [index, { key }] of objects.entries()) await store.download(key, paths[index]!);
    return await withDatabase((database) =>
      database.row<{ predictions: number; failed: number }>(
        `SELECT count(DISTINCT request_id) FILTER (error IS NULL) AS predictions,
           count(DISTINCT request_id) FILTER (error IS NOT NULL) AS failed
         FROM ${parquetFiles(paths)} WHERE version = $version AND epoch_ms("time") >= $from`,
        { version, from: from.getTime() },
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
