import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { ModelDeclaration } from '../../contracts/model';
import type { Generation, ServedVersion, Variant } from '../../contracts/release';
import { loadArtifact } from '../../platform/onnx/artifact';
import type { LoadedModel, RowModel } from '../../platform/onnx/loaded-model';
import type { SessionHost } from '../../platform/onnx/session';
import type { ObjectStore } from '../../platform/s3';
import { createRouter, type Router } from './routing';

/** What of a request is personal: served, but never captured, and masked in what people are told. */
export interface PersonalNames {
  inputs: ReadonlySet<string>;
  joinKeys: ReadonlySet<string>;
}

/** What a version costs this process. */
export interface VersionMemory {
  /** Size of `model.onnx`. */
  graphBytes: number;
  /** What the process grew by while the version was loaded and warmed up, at least 0; whatever else it did then is in it. */
  rssGrowthBytes: number;
}

/** What is loaded of a version, once, however many generations name it. */
interface LoadedVersion<Model> {
  artifact: Model;
  /** The declaration it was trained by, not today's: its inputs and views are the ones the graph knows. */
  declaration: ModelDeclaration;
  personal: PersonalNames;
  memory: VersionMemory;
}

/** A variant of the served generation, or the version in Staging, loaded and checked. */
export type ServingVariant<Model = LoadedModel> = Omit<Variant, 'mode'> & {
  mode: Variant['mode'] | 'staging';
} & LoadedVersion<Model>;

/** Versions of one model that requests are routed to. Immutable; swapped as a whole. */
export interface RoutedModel<Model = LoadedModel> {
  name: string;
  /** Null of a version in Staging. */
  generation: Generation | null;
  /** The one that answers where no canary does. */
  live: ServingVariant<Model>;
  variants: ServingVariant<Model>[];
  shadows: ServingVariant<Model>[];
  route: Router<ServingVariant<Model>>;
}

/** What a worker serves of one model: a generation with all of its variants loaded. */
export type ServingModel = RoutedModel & { generation: Generation };

/** A model that answers single requests, as all but those of series do. */
export type OnlineModel = RoutedModel<RowModel>;
export type OnlineVariant = ServingVariant<RowModel>;

/** @throws InvalidInput where the model is one of series, which are scored by the day. */
export function requireOnline(serving: RoutedModel): OnlineModel {
  if (isOnline(serving)) return serving;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${serving.name}: found a model of kind metric-anomaly, expected one that answers single requests. Its scores are ` +
      'computed by the day: start the workflow scoreBatch.',
    [
      {
        field: 'model',
        found: 'a model of kind metric-anomaly',
        expected: 'a model that answers single requests',
      },
    ],
  );
}

const isOnline = (serving: RoutedModel): serving is OnlineModel =>
  serving.variants.every(({ artifact }) => artifact.kind !== 'metric-anomaly');

/**
 * Loads a generation beside whatever serves now; versions in `loaded` are taken over as they are.
 * @throws BadArtifact, CorruptObject or MissingObject where it must not serve; DependencyUnavailable (retryable).
 */
export async function loadGeneration(
  store: ObjectStore,
  generation: Generation,
  loaded: readonly ServingVariant[],
  texts?: SessionHost,
): Promise<ServingModel> {
  const where = store.uri(Key.generation(generation.model, generation.n));
  const found = generation.variants.filter((variant) => variant.mode === 'live').length;
  if (found !== 1) {
    throw new MeridianError(
      ErrorCode.CorruptObject,
      `${where}: found ${found} live variants, expected exactly one. Release the version again.`,
    );
  }
  const variants = await loadVariants(store, generation, loaded, texts);
  return {
    name: generation.model,
    generation,
    live: variants.find((variant) => variant.mode === 'live')!,
    variants,
    shadows: variants.filter((variant) => variant.mode === 'shadow'),
    route: createRouter(variants, generation.salt),
  };
}

/** The version in Staging by itself. @throws as `loadGeneration` does */
export async function loadStaged(
  store: ObjectStore,
  name: string,
  staged: ServedVersion,
  texts?: SessionHost,
): Promise<RoutedModel> {
  const version = await loadVersion(store, name, staged, texts);
  const live: ServingVariant = { ...staged, ...version, weight: 1, mode: 'staging' };
  return { name, generation: null, live, variants: [live], shadows: [], route: () => live };
}

/** All or none: what was opened is closed again where another variant does not load. */
async function loadVariants(
  store: ObjectStore,
  generation: Generation,
  loaded: readonly ServingVariant[],
  texts?: SessionHost,
): Promise<ServingVariant[]> {
  const opened: LoadedVersion<LoadedModel>[] = [];
  const variants: ServingVariant[] = [];
  try {
    // One after the other, so that the memory that each takes can be told.
    for (const variant of generation.variants) {
      const warm = loaded.find((other) => other.sha256 === variant.sha256);
      if (warm) {
        variants.push({ ...warm, ...variant });
        continue;
      }
      const version = await loadVersion(store, generation.model, variant, texts);
      opened.push(version);
      variants.push({ ...variant, ...version });
    }
  } catch (error) {
    await Promise.all(opened.map(({ artifact }) => artifact.release()));
    throw error;
  }
  return variants;
}

/** Warmed up too: the first run of a session allocates, and no request should pay for it. */
async function loadVersion(
  store: ObjectStore,
  model: string,
  served: ServedVersion,
  texts?: SessionHost,
): Promise<LoadedVersion<LoadedModel>> {
  const before = process.memoryUsage.rss();
  const artifact = await loadArtifact(store, served, texts);
  try {
    const declaration = await store.getJson<ModelDeclaration>(
      Key.declaration(model, artifact.provenance.declarationHash),
    );
    await artifact.warmUp();
    const memory = {
      graphBytes: artifact.graphBytes,
      rssGrowthBytes: Math.max(0, process.memoryUsage.rss() - before),
    };
    return { artifact, declaration, personal: personalNames(declaration), memory };
  } catch (error) {
    await artifact.release();
    throw error;
  }
}

function personalNames({ views, inputs }: ModelDeclaration): PersonalNames {
  const isPersonal = ({ view, feature }: ModelDeclaration['inputs'][number]): boolean =>
    personalColumns(...views.filter(({ name }) => name === view)).has(feature);
  return {
    inputs: new Set(inputs.filter(isPersonal).map(({ name }) => name)),
    joinKeys: personalColumns(...views.map(({ entity }) => ({ entity, features: [] }))),
  };
}
