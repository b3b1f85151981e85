import { join } from 'node:path';
import type { DatasetManifest, SnapshotExpiry } from '../../contracts/dataset';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { ownerKeys, ownersOf } from '../../contracts/ownership';
import { limit } from '../../platform/concurrency';
import { identifier, parquetFiles, type Database } from '../../platform/duckdb';
import { findFeatureView } from '../../platform/feature-views';
import { explainCorruption, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { notOnList, type OptOuts } from './opt-outs';
import { defineOwned } from './owned';

/** The rows of a snapshot on this machine, all splits together. */
export interface Frame {
  pulled: readonly PulledObject[];
  /** Those that name a row's entity. */
  columns: readonly string[];
}

export type Held = Pick<SnapshotExpiry, 'because' | 'entities'>;

const DOWNLOADS_IN_FLIGHT = 16;

/** @throws MeridianError MissingObject */
export function pullObjects(
  store: ObjectStore,
  objects: readonly { key: string; bytes?: number }[],
  folder: string,
): Promise<PulledObject[]> {
  const limited = limit(DOWNLOADS_IN_FLIGHT);
  return Promise.all(
    objects.map(({ key, bytes = 0 }) =>
      limited(async () => {
        const path = join(folder, key);
        await store.download(key, path);
        return { key, path, bytes, etag: '' };
      }),
    ),
  );
}

/** The views that a snapshot was joined from whose rows belong to somebody, as they are known or published now. */
export async function ownedViews(
  store: ObjectStore,
  manifest: DatasetManifest,
  known: readonly FeatureView[],
): Promise<FeatureView[]> {
  const views = await Promise.all(
    manifest.views.map(
      async (one) =>
        known.find(({ name, version }) => name === one.name && version === one.version) ??
        (await findFeatureView(store, one)),
    ),
  );
  return views.filter((view): view is FeatureView => view !== null && ownersOf(view).length > 0);
}

/** Whether a snapshot was built without anybody on this list, and without what belongs to them. */
export const wasHeldAgainst = (
  { optOuts: { version, owners = [] } }: DatasetManifest,
  optOuts: OptOuts,
  owned: readonly FeatureView[],
): boolean => version === optOuts.version && ownerKeys(owned).every((keys) => owners.includes(keys));

/** Counts the different entities of a snapshot that keep to a condition on rows of `frame`. */
export async function countEntities(
  database: Database,
  { pulled, columns }: Frame,
  condition: string,
): Promise<number> {
  const rows = parquetFiles(pulled.map(({ path }) => path));
  const { entities } = await explainCorruption(database, pulled, () =>
    database.row<{ entities: number }>(
      `SELECT count(*) AS entities FROM (SELECT DISTINCT ${columns.map(identifier).join(', ')} FROM ${rows}) AS frame
       WHERE ${condition}`,
    ),
  );
  return entities;
}

/**
 * What of a snapshot belongs to somebody on the list, by the partitions that it was joined from; null where nothing does.
 * A row that none of them knows any more may be anybody's.
 */
export async function inspectOwned(
  store: ObjectStore,
  database: Database,
  folder: string,
  frame: Frame,
  manifest: DatasetManifest,
  view: FeatureView,
  optOuts: OptOuts,
): Promise<Held | null> {
  const partitions = manifest.sources.filter(({ key }) => key.startsWith(Key.featureView(view)));
  const files = await pullObjects(store, partitions, folder);
  const owned = await defineOwned(database, optOuts.kinds, { view, files });
  if (owned === null) return null;
  const entities = await countEntities(database, frame, `NOT (${notOnList([owned])})`);
  if (entities > 0)
    return { entities, because: `${entities} entities in it belong to somebody who has opted out` };
  const same = owned.joinKeys
    .map(({ name }) => identifier(name))
    .map((key) => `known.${key}::VARCHAR = frame.${key}::VARCHAR`);
  const known = parquetFiles(files.map(({ path }) => path));
  const strangers = await countEntities(
    database,
    frame,
    `NOT EXISTS (SELECT 1 FROM ${known} AS known WHERE ${same.join(' AND ')})`,
  );
  if (strangers === 0) return null;
  return {
    entities: strangers,
    because: `${strangers} entities in it are in ${view.name} no more, so that nobody can say whose they are`,
  };
}
