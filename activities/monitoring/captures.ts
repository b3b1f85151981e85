import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';

/** Counts captured predictions of a version since a moment; reads only the hours since then. */
export async function countCaptured(
  store: ObjectStore,
  { model, version, since }: { model: string; version: string; since: string },
): Promise<{ predictions: number; failed: number }> {
  const from = new Date(since);
  const firstHour = `predictions/${model}/dt=${since.slice(0, 10)}/hour=${since.slice(11, 13)}/`;
  const objects = (await store.list(`predictions/${model}/`)).filter(({ key }) => key >= firstHour);
  if (objects.length === 0) return { predictions: 0, failed: 0 };

  const folder = await mkdtemp(join(tmpdir(), 'meridian-captures-'));
  try {
    const paths = objects.map((_, index) => join(folder, `${index}.parquet`));
    for (const [index, { key }] of objects.entries()) await store.download(key, paths[index]!);
    return await withDatabase((database) =>
      database.row<{ predictions: number; failed: number }>(
        `SELECT count(*) AS predictions, count(error) AS failed FROM ${parquetFiles(paths)}
         WHERE version = $version AND epoch_ms("time") >= $from`,
        { version, from: from.getTime() },
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
