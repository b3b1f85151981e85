import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ModelPool } from './model-pool';
import { requireOnline, type OnlineModel, type RoutedModel } from './serving-model';

/** Which of a model's versions is asked; what serves, by its weights, unless said. */
export interface Target {
  /** The version in Staging. */
  staged?: boolean;
  /** That one and no other: the Production version, the canary or the one in Staging. */
  version?: string;
}

/** @throws UnknownModel, ModelNotReady, InvalidInput where the model is one of series; UnknownModel where the version is none of those */
export async function findServing(
  pool: Pick<ModelPool, 'get' | 'staged'>,
  model: string,
  { staged, version }: Target,
): Promise<OnlineModel> {
  if (version === undefined) return requireOnline(staged ? await pool.staged(model) : pool.get(model));
  const serves = staged ? null : serving(pool, model);
  const pinned = serves && pin(serves, version);
  if (pinned) return requireOnline(pinned);
  const inStaging = await pool.staged(model).catch(noneWhereNotReady);
  if (inStaging?.live.version === version) return requireOnline(inStaging);
  throw unknownVersion(model, version, [serves, inStaging]);
}

/** Null where nothing serves: the version may be in Staging. */
function serving(pool: Pick<ModelPool, 'get'>, model: string): RoutedModel | null {
  try {
    return pool.get(model);
  } catch (error) {
    return noneWhereNotReady(error);
  }
}

function noneWhereNotReady(error: unknown): null {
  if (error instanceof MeridianError && error.code === ErrorCode.ModelNotReady) return null;
  throw error;
}

/** All requests to the one version, and none to shadows. */
function pin(serves: RoutedModel, version: string): RoutedModel | null {
  const live = serves.variants.find((variant) => variant.version === version && variant.mode !== 'shadow');
  return live ? { ...serves, live, variants: [live], shadows: [], route: () => live } : null;
}

function unknownVersion(
  model: string,
  version: string,
  known: readonly (RoutedModel | null)[],
): MeridianError {
  const there = known.flatMap((one) => one?.variants ?? []).filter(({ mode }) => mode !== 'shadow');
  const names = there.map((variant) => variant.version).join(', ') || 'none yet';
  return new MeridianError(
    ErrorCode.UnknownModel,
    `${model}: found no version ${version} that serves or is in Staging; there are: ${names}.`,
    [{ field: 'version', found: JSON.stringify(version), expected: `one of ${names}` }],
  );
}
