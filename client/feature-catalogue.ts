import { readWatermark, type Watermark } from '../activities/features/watermark';
import { ErrorCode, MeridianError, show } from '../contracts/errors';
import type { PartitionReport } from '../contracts/features';
import { isKeptOnline, type StoredView } from '../contracts/feature-view';
import { Key } from '../contracts/ids';
import type { FeatureView } from '../contracts/model';
import { serviceOf, type FeatureService } from '../features/services';
import { usersOf } from '../features/catalogue';
import { listFeatureViews, readFeatureView, readViewVersions } from '../platform/feature-views';
import type { ObjectStore } from '../platform/s3';
import { listDeclarations } from './declarations';

export interface CatalogueRow {
  view: string;
  version: number;
  entity: string;
  features: number;
  ttlSeconds: number;
  owner: string;
  /** Whether it is kept in the online store. */
  online: boolean;
  /** The day up to which the online store is loaded; null where it never was. */
  loadedUpTo: string | null;
  usedBy: string[];
}

/** Every published view, with the models that use it. */
export async function listCatalogue(store: ObjectStore): Promise<CatalogueRow[]> {
  const [views, services] = await Promise.all([listFeatureViews(store), listServices(store)]);
  return Promise.all(
    views.map(async (view) => ({
      view: view.name,
      version: view.version,
      entity: view.entity.name,
      features: view.features.length,
      ttlSeconds: view.ttlSeconds,
      owner: view.owner,
      online: isKeptOnline(view),
      loadedUpTo: (await readWatermark(store, view))?.asOf ?? null,
      usedBy: usersOf(view.name, services),
    })),
  );
}

export interface ViewDetails {
  definition: FeatureView;
  versions: number[];
  watermark: Watermark | null;
  /** What each model takes of it, in the version it takes. */
  services: { model: string; version: number; features: string[] }[];
  /** How the newest partition was checked; null where none was. */
  lastReport: PartitionReport | null;
}

/** @throws MeridianError InvalidInput where no such view or version is published */
export async function describeView(store: ObjectStore, name: string, version?: number): Promise<ViewDetails> {
  const definition = await readFeatureView(store, name, version);
  const [versions, watermark, services, lastReport] = await Promise.all([
    readViewVersions(store, name),
    readWatermark(store, definition),
    listServices(store),
    readLastReport(store, definition),
  ]);
  return {
    definition,
    versions: versions.map((one) => one.version),
    watermark,
    services: services.flatMap(({ name: model, views }) =>
      views
        .filter(({ view }) => view === name)
        .map((one) => ({ model, version: one.version, features: one.features })),
    ),
    lastReport,
  };
}

/** What each declared model uses. */
export const listServices = async (store: ObjectStore): Promise<FeatureService[]> =>
  (await listDeclarations(store)).map(serviceOf);

/**
 * The newest report of the newest day that was checked, whether it passed or not: what was blocked may have been computed
 * again since, and what stands may have been computed again and blocked.
 */
async function readLastReport(store: ObjectStore, view: StoredView): Promise<PartitionReport | null> {
  const folder = Key.partitionReport(view, '').replace(/[^/]*$/, '');
  const keys = (await store.list(folder)).map(({ key }) => key).sort();
  const day = keys.at(-1)?.slice(folder.length).split('.')[0];
  if (day === undefined) return null;
  const reports = await Promise.all(
    keys
      .filter((key) => key.startsWith(`${folder}${day}.`))
      .map((key) => store.getJson<PartitionReport>(key)),
  );
  return reports.reduce((newest, report) => (report.checkedAt > newest.checkedAt ? report : newest));
}

/**
 * `view` or `view:feature`, as people write it.
 * @throws MeridianError InvalidInput where the newest version of the view has no such feature
 */
export async function readReference(
  store: ObjectStore,
  reference: string,
): Promise<{ view: FeatureView; feature: string | null }> {
  const colon = reference.indexOf(':');
  if (colon < 0) return { view: await readFeatureView(store, reference), feature: null };
  const view = await readFeatureView(store, reference.slice(0, colon));
  const feature = reference.slice(colon + 1);
  const known = view.features.map(({ name }) => name);
  if (known.includes(feature)) return { view, feature };
  const expected = `one of ${known.join(', ')}`;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `Feature view ${view.name} version ${view.version} has no feature ${show(feature)}: expected ${expected}.`,
    [{ field: 'feature', found: show(feature), expected }],
  );
}
