import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Key } from '../../contracts/ids';
import type { ReviewManifest } from '../../contracts/label-review';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import type { PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import type { OptOutHeartbeat } from './forget';
import type { Concerned } from './namings';
import { notOnList, readOptOuts } from './opt-outs';

/**
 * The events of a review's batch that nobody is shown any more, whose labels count no more: whoever they belong to has
 * opted out since the batch was drawn, or their text was taken out of it for that reason (then it is null).
 * @param path The batch on this machine.
 * @throws MeridianError CorruptObject where the list cannot be read
 */
export async function findWithheld(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { entity, owners = [] }: ReviewManifest,
  path: string,
): Promise<ReadonlySet<string>> {
  const concerned: Concerned = {
    entity: { name: entity.name, joinKeys: [entity] },
    features: owners.flatMap(({ name, joinKeys }) => joinKeys.map((key) => ({ ...key, belongsTo: name }))),
  };
  const { kinds } = await readOptOuts(store, cache, database, [concerned]);
  const keys = [`event_id AS ${identifier(entity.name)}`, ...(owners.length > 0 ? ['unnest(owner)'] : [])];
  const rows = await database.rows<{ event: string }>(
    `SELECT __event AS event FROM (
       SELECT event_id AS __event, text IS NULL AS __erased, ${keys.join(', ')} FROM ${parquetFiles([path])}) AS frame
     WHERE __erased OR NOT (${notOnList(kinds)})`,
  );
  return new Set(rows.map(({ event }) => event));
}

/**
 * Takes the texts of those on the list out of the batch of every review that was opened, and whose they were; events,
 * reasons and labels stay, so that a review goes on as it was. Once taken out, a text is withheld for good.
 * @returns how many texts
 */
export async function eraseReviewTexts(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  progress: OptOutHeartbeat,
): Promise<number> {
  let erased = 0;
  for (const model of await store.listFolders('labels/')) {
    for (const quarter of await store.listFolders(Key.reviews(model))) {
      const review = Key.review(model, quarter);
      heartbeat({ ...progress, phase: 'erasing texts', review } satisfies OptOutHeartbeat);
      const manifest = await store.find(`${review}manifest.json`);
      if (!manifest) continue;
      const found = JSON.parse(manifest.body.toString('utf8')) as ReviewManifest;
      erased += await eraseTexts(store, cache, database, found);
    }
  }
  return erased;
}

async function eraseTexts(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  manifest: ReviewManifest,
): Promise<number> {
  const { key } = manifest.batch;
  const object = await store.head(key);
  if (!object) return 0;
  const path = join(cache.folder, 'review-batch.parquet');
  const left = join(cache.folder, 'review-batch-left.parquet');
  try {
    await store.download(key, path, object);
    const withheld = await findWithheld(store, cache, database, manifest, path);
    if (withheld.size === 0) return 0;
    const batch = parquetFiles([path]);
    const gone = `event_id IN (${[...withheld].map(literal).join(', ')})`;
    const { texts } = await database.row<{ texts: number }>(
      `SELECT count(text) AS texts FROM ${batch} WHERE ${gone}`,
    );
    if (texts === 0) return 0;
    const columns = ['text', ...(manifest.owners ? ['owner'] : [])].map(
      (name) => `CASE WHEN NOT (${gone}) THEN ${name} END AS ${name}`,
    );
    await database.execute(
      `COPY (SELECT * REPLACE (${columns.join(', ')}) FROM ${batch}) TO ${literal(left)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    // Another run that came first has taken out the same.
    return (await store.replace(key, await readFile(left), object.etag)) ? texts : 0;
  } finally {
    await Promise.all([path, left].map((file) => rm(file, { force: true })));
  }
}
