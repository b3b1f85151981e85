import { Key } from '../../contracts/ids';
import type { ReviewEvent, ReviewManifest } from '../../contracts/label-review';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { withPartitionCache, type PartitionCache, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';

/** The objects of one review. */
export const reviewKeys = (model: string, quarter: string) => {
  const folder = Key.review(model, quarter);
  return {
    batch: `${folder}batch.parquet`,
    manifest: `${folder}manifest.json`,
    submissions: `${folder}submissions/`,
    votes: `${folder}votes.json`,
    outcome: `${folder}outcome.parquet`,
    /** Written last: the review is settled once it lies there. */
    settled: `${folder}outcome.json`,
  };
};

/** @throws MeridianError MissingObject where the review was never opened */
export const readManifest = (store: ObjectStore, model: string, quarter: string): Promise<ReviewManifest> =>
  store.getJson<ReviewManifest>(reviewKeys(model, quarter).manifest);

/** The quarters whose review was opened, oldest first. */
export const listReviews = (store: ObjectStore, model: string): Promise<string[]> =>
  store.listFolders(Key.reviews(model));

/** The events of a review, in the order in which they are shown. */
export const readBatch = (store: ObjectStore, model: string, quarter: string): Promise<ReviewEvent[]> =>
  withPartitionCache(store, async (cache) => {
    const { path } = await pullObject(store, cache, reviewKeys(model, quarter).batch);
    return withDatabase(
      async (database) =>
        (await database.rows(
          `SELECT event_id, text, CAST(day AS VARCHAR) AS day, reason, detail, label, predicted_label, score
           FROM ${parquetFiles([path])}`,
        )) as unknown as ReviewEvent[],
    );
  });

/** One object as a file of the cache's folder. @throws MeridianError MissingObject */
export async function pullObject(
  store: ObjectStore,
  cache: PartitionCache,
  key: string,
): Promise<PulledObject> {
  const path = `${cache.folder}/${key}`;
  await store.download(key, path);
  const object = (await store.head(key))!;
  return { ...object, path };
}
