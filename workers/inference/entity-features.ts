import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { maskColumns, personalColumns } from '../../contracts/masking';
import type { FeatureRow, FeatureValue, ModelDeclaration } from '../../contracts/model';
import type { OnlineFeature, OnlineStore } from '../../platform/online-store';

/** The features of each entity by input name, or why they cannot be had. */
export type EntityLookUp = (
  declaration: ModelDeclaration,
  entities: readonly Record<string, unknown>[],
) => Promise<(FeatureRow | MeridianError)[]>;

/** Reads the views a model was declared with, all entities in one round trip. Never rejects. */
export function createEntityLookUp(online: OnlineStore): EntityLookUp {
  async function readAll(
    declaration: ModelDeclaration,
    entities: readonly Record<string, unknown>[],
  ): Promise<(FeatureRow | MeridianError)[]> {
    const { views, inputs } = declaration;
    const found = await online.getOnlineFeaturesOfMany({ views, features: inputs, entities });
    return found.map((features, row) => toFeatureRow(declaration, entities[row]!, features));
  }

  return async (declaration, entities) => {
    try {
      return await readAll(declaration, entities);
    } catch (error) {
      const reason = asMeridianError(error);
      // An outage concerns every row alike; a bad join key only its own, so the others are read without it.
      if (entities.length === 1 || reason.retryable) return entities.map(() => reason);
      return Promise.all(
        entities.map(async (entity) => {
          const [answer] = await readAll(declaration, [entity]).catch((cause: unknown) => [
            asMeridianError(cause),
          ]);
          return answer!;
        }),
      );
    }
  };
}

function toFeatureRow(
  declaration: ModelDeclaration,
  entity: Record<string, unknown>,
  features: readonly OnlineFeature[],
): FeatureRow | MeridianError {
  if (features.every(({ status }) => status === 'NOT_FOUND' || status === 'OUTSIDE_MAX_AGE')) {
    const views = declaration.views.map((view) => view.name).join(', ');
    const state = features.some(({ status }) => status === 'OUTSIDE_MAX_AGE')
      ? 'only expired features'
      : 'no features';
    const found = show(maskColumns(entity, personalColumns(...declaration.views)));
    return new MeridianError(
      ErrorCode.UnknownEntity,
      `${found}: ${state} online in ${views}. Materialize the views, or send the features themselves.`,
      [{ field: 'entity', found, expected: `an entity with features in ${views}` }],
    );
  }
  return Object.fromEntries(
    declaration.inputs.map(({ name }, position) => [name, toFeatureValue(features[position]!.value)]),
  );
}

const toFeatureValue = (value: OnlineFeature['value']): FeatureValue =>
  typeof value === 'bigint' ? Number(value) : value;

function asMeridianError(error: unknown): MeridianError {
  if (error instanceof MeridianError) return error;
  return new MeridianError(ErrorCode.InternalError, `Looking up features failed: ${String(error)}`, [], {
    cause: error,
  });
}
