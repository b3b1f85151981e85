import { readWatermark } from '../activities/features/watermark';
import type { DatasetManifest } from '../contracts/dataset';
import { Key } from '../contracts/ids';
import type { ArtifactManifest, DeclarationPointer, FeatureView, ModelDeclaration } from '../contracts/model';
import type { Generation } from '../contracts/release';
import { readCurrentGeneration } from '../platform/releases';
import type { ObjectStore } from '../platform/s3';
import { readReference } from './feature-catalogue';

/** A trained version, a snapshot or a declaration, and what it takes of the view. */
interface Use {
  /** Which version of the view. */
  viewVersion: number;
  features: string[];
}

export interface ModelLineage {
  model: string;
  /** What the declaration takes now; null where it no longer uses the view. */
  declared: Use | null;
  versions: (Use & { version: string; serving: string | null; snapshot: string })[];
  snapshots: (Use & { snapshot: string; asOf: string })[];
}

/** Where a view, or one feature of it, comes from, and where it goes. */
export interface Lineage {
  view: string;
  version: number;
  feature: string | null;
  /** Raw tables that the transformation reads, and how many daily partitions of each. */
  sources: { table: string; key: string; days: number }[];
  /** Who makes its values. */
  origin: 'computed' | 'delivered' | 'pushed';
  /** Prefix of its partitions. */
  offline: string;
  loadedUpTo: string | null;
  models: ModelLineage[];
}

/**
 * Everything published, trained and built that has to do with a view (`view`) or a feature (`view:feature`).
 * @throws MeridianError InvalidInput where there is no such view or feature
 */
export async function traceLineage(store: ObjectStore, reference: string): Promise<Lineage> {
  const { view, feature } = await readReference(store, reference);
  const models = await store.listFolders('declarations/');
  const traced = await Promise.all(models.map((model) => traceModel(store, model, view, feature)));
  return {
    view: view.name,
    version: view.version,
    feature,
    sources: view.sources.map(({ table, lookBackDays }) => ({
      table,
      key: `raw/${table}/`,
      days: lookBackDays,
    })),
    origin: originOf(view),
    offline: Key.featureView(view),
    loadedUpTo: (await readWatermark(store, view))?.asOf ?? null,
    models: traced.filter(
      ({ declared, versions, snapshots }) => declared || versions.length > 0 || snapshots.length > 0,
    ),
  };
}

const originOf = ({ transformation, push }: FeatureView): Lineage['origin'] => {
  if (transformation !== null) return 'computed';
  return push ? 'pushed' : 'delivered';
};

async function traceModel(
  store: ObjectStore,
  model: string,
  view: FeatureView,
  feature: string | null,
): Promise<ModelLineage> {
  const declarations = new Map<string, Promise<Use | null>>();
  /** By declaration: many versions and snapshots share one. */
  const useOf = (hash: string): Promise<Use | null> => {
    const known = declarations.get(hash) ?? readUse(store, model, hash, view.name, feature);
    declarations.set(hash, known);
    return known;
  };
  const [pointer, generation, versions, snapshots] = await Promise.all([
    store.getJson<DeclarationPointer>(Key.declarationPointer(model)),
    readCurrentGeneration(store, model),
    readManifests<ArtifactManifest>(store, `models/${model}/`),
    readManifests<DatasetManifest>(store, `datasets/${model}/`),
  ]);
  return {
    model,
    declared: await useOf(pointer.hash),
    versions: await inUse(
      versions,
      ({ provenance }) => useOf(provenance.declarationHash),
      ({ version, provenance }) => ({
        version,
        serving: servingAs(generation, version),
        snapshot: provenance.snapshot,
      }),
    ),
    snapshots: await inUse(
      snapshots,
      ({ declarationHash }) => useOf(declarationHash),
      ({ snapshot, window }) => ({ snapshot, asOf: window.asOf }),
    ),
  };
}

/** Those of the manifests that use the view, described. */
async function inUse<Manifest, Described>(
  manifests: readonly Manifest[],
  useOf: (manifest: Manifest) => Promise<Use | null>,
  describe: (manifest: Manifest) => Described,
): Promise<(Use & Described)[]> {
  const uses = await Promise.all(manifests.map(useOf));
  return manifests.flatMap((manifest, index) => {
    const use = uses[index];
    return use ? [{ ...describe(manifest), ...use }] : [];
  });
}

async function readUse(
  store: ObjectStore,
  model: string,
  hash: string,
  name: string,
  feature: string | null,
): Promise<Use | null> {
  const { views, inputs } = await store.getJson<ModelDeclaration>(Key.declaration(model, hash));
  const view = views.find((one) => one.name === name);
  const features = inputs
    .filter((input) => input.view === name && (feature === null || input.feature === feature))
    .map((input) => input.feature);
  return view && features.length > 0 ? { viewVersion: view.version, features } : null;
}

/** The manifests in the folders below a prefix; a folder without one is unfinished. */
async function readManifests<T>(store: ObjectStore, prefix: string): Promise<T[]> {
  const folders = await store.listFolders(prefix);
  const found = await Promise.all(folders.map((folder) => store.find(`${prefix}${folder}/manifest.json`)));
  return found.flatMap((one) => (one ? [JSON.parse(one.body.toString('utf8')) as T] : []));
}

function servingAs(generation: Generation | null, version: string): string | null {
  if (generation?.production.version === version) return 'production';
  return generation?.variants.find((variant) => variant.version === version)?.mode ?? null;
}
