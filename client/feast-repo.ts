import { Key } from '../contracts/ids';
import type { FeatureView } from '../contracts/model';
import { writeFeastRepo } from '../features/feast-repo';
import { serviceOf } from '../features/services';
import { listViewNames, readViewVersions } from '../platform/feature-views';
import type { ObjectStore } from '../platform/s3';
import { listDeclarations } from './declarations';

export interface FeastTarget {
  /** Where the repo is written. */
  folder: string;
  redisUrl: string;
  s3Endpoint?: string;
}

/** Writes the repo by which the real Feast reads every published view, with a feature service a model. */
export async function exportFeastRepo(store: ObjectStore, target: FeastTarget): Promise<void> {
  const [declarations, views] = await Promise.all([listDeclarations(store), viewsForFeast(store)]);
  await writeFeastRepo({
    ...target,
    offlineStore: `s3://${store.bucket}`,
    views,
    services: declarations.map(serviceOf),
  });
}

/** The newest version of every view, and older ones as long as the offline store holds them. */
async function viewsForFeast(store: ObjectStore): Promise<FeatureView[]> {
  const names = await listViewNames(store);
  const versions = (await Promise.all(names.map((name) => readViewVersions(store, name)))).flat();
  const newest = new Map(versions.map((view) => [view.name, view]));
  const held = await Promise.all(
    versions.map(
      async (view) =>
        view === newest.get(view.name) || (await store.listFolders(Key.featureView(view))).length > 0,
    ),
  );
  return versions.filter((_, index) => held[index]);
}
