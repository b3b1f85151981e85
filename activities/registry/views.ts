import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { isKeptOnline } from '../../contracts/feature-view';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest, FeatureView, ModelDeclaration } from '../../contracts/model';
import { listViewNames, readViewVersions } from '../../platform/feature-views';
import { readCurrentGeneration } from '../../platform/releases';
import type { ObjectStore } from '../../platform/s3';
import { readDeclaration, resolveDeclaration } from './declarations';

export interface ViewsRequest {
  /** Whose views are wanted; default: every declared model's, and those that no model uses. */
  models?: string[];
  /** Only these, by name. */
  views?: string[];
  /** Only those that are kept in the online store. */
  onlineOnly?: boolean;
}

export function createViewActivities(store: ObjectStore) {
  return {
    /**
     * The views that a daily run keeps fed, in the offline store and mostly online: those of the models as declared now, those in other versions that what serves was
     * trained with, and published ones that no model uses. Each version once, as it was published last; in the order of
     * their names. Without those whose values are pushed only: they have nothing to load.
     * @throws MeridianError UnknownModel, or InvalidInput where a view asked for is none of those, or has nothing to load
     */
    viewsToLoad: async ({ models, views, onlineOnly = false }: ViewsRequest = {}): Promise<FeatureView[]> => {
      const names = models ?? (await store.listFolders('declarations/'));
      const used = (await Promise.all(names.map((model) => viewsOfModel(store, model)))).flat();
      const published = await publishedVersions(store);
      const found = new Map(used.map((view) => [idOf(view), published.get(idOf(view)) ?? view]));
      if (!models) {
        for (const view of await unused(store, published, used)) found.set(idOf(view), view);
      }
      const wanted = [...found.values()].filter((view) => !onlineOnly || isKeptOnline(view));
      const all = (await loadable(store, wanted)).sort(
        (a, b) => a.name.localeCompare(b.name, 'en') || a.version - b.version,
      );
      if (!views) return all;
      const why = (view: FeatureView): string =>
        onlineOnly && !isKeptOnline(view)
          ? 'which is not kept online'
          : !models || found.has(idOf(view))
            ? 'which has nothing to load'
            : 'which none of these models uses';
      const left = new Map([...published.values()].map((view) => [view.name, why(view)]));
      return chosen(all, views, left);
    },
  };
}

const idOf = ({ name, version }: Pick<FeatureView, 'name' | 'version'>): string => `${name} v${version}`;

/** Every published version of every view. */
async function publishedVersions(store: ObjectStore): Promise<Map<string, FeatureView>> {
  const names = await listViewNames(store);
  const versions = (await Promise.all(names.map((name) => readViewVersions(store, name)))).flat();
  return new Map(versions.map((view) => [idOf(view), view]));
}

async function viewsOfModel(store: ObjectStore, model: string): Promise<FeatureView[]> {
  const { declaration, hash } = await resolveDeclaration(store, model);
  const serving = await servingDeclarations(store, model, hash);
  return [...serving, declaration].flatMap(({ views }) => views);
}

/** What the versions that serve, or are tried beside them, were trained with, where that is no longer current. */
async function servingDeclarations(
  store: ObjectStore,
  model: string,
  current: string,
): Promise<ModelDeclaration[]> {
  const generation = await readCurrentGeneration(store, model);
  const keys = new Set(
    generation ? [generation.production, ...generation.variants].map(({ artifactKey }) => artifactKey) : [],
  );
  const manifests = await Promise.all([...keys].map((key) => store.getJson<ArtifactManifest>(key)));
  const hashes = new Set(manifests.map(({ provenance }) => provenance.declarationHash));
  hashes.delete(current);
  return Promise.all([...hashes].map((hash) => readDeclaration(store, model, hash)));
}

/** Newest versions that no model uses (yet), where they are computed or something of them was delivered. */
async function unused(
  store: ObjectStore,
  published: ReadonlyMap<string, FeatureView>,
  used: readonly FeatureView[],
): Promise<FeatureView[]> {
  const newest = new Map([...published.values()].map((view) => [view.name, view]));
  for (const { name, version } of used) if (newest.get(name)?.version === version) newest.delete(name);
  return whereAsync(
    [...newest.values()],
    async (view) => isComputed(view) || (await isDelivered(store, view)),
  );
}

/** Where a model uses a view that others should deliver, and nobody does, the load must say so. */
const loadable = (store: ObjectStore, views: readonly FeatureView[]): Promise<FeatureView[]> =>
  whereAsync(views, async (view) => !view.push || isComputed(view) || (await isDelivered(store, view)));

const isComputed = ({ transformation }: FeatureView): boolean => transformation !== null;

const isDelivered = async (store: ObjectStore, view: FeatureView): Promise<boolean> =>
  (await store.listFolders(Key.featureView(view))).length > 0;

async function whereAsync<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T[]> {
  const held = await Promise.all(all.map(holds));
  return all.filter((_, index) => held[index]);
}

/** @param left Why a view that is published is not among `all`. */
function chosen(
  all: FeatureView[],
  names: readonly string[],
  left: ReadonlyMap<string, string>,
): FeatureView[] {
  const known = [...new Set(all.map(({ name }) => name))].join(', ') || '(none)';
  const fields = names.flatMap((name, index) =>
    all.some((view) => view.name === name)
      ? []
      : [
          {
            field: `views.${index}`,
            found: [show(name), left.get(name)].filter(Boolean).join(', '),
            expected: `one of ${known}`,
          },
        ],
  );
  if (fields.length === 0) return all.filter(({ name }) => names.includes(name));
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `views: found ${fields.map(({ found }) => found).join(', ')}; expected some of ${known}. Nothing was done. Name one ` +
      'of those, publish it with `npx meridian apply`, or deliver its partitions to features/<view>/.',
    fields,
  );
}
