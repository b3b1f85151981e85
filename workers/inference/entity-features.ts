import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { maskColumns, personalColumns } from '../../contracts/masking';
import { namingKeys } from '../../contracts/opt-outs';
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
    const rows: (FeatureRow | MeridianError)[] = [];
    for (const [row, features] of found.entries()) {
      rows.push(
        features.some(isThere)
          ? toFeatureRow(declaration, features)
          : await withoutFeatures(declaration, entities[row]!, features),
      );
    }
    return rows;
  }

  /** Asked only of who has no features: nobody else pays for the look. */
  async function withoutFeatures(
    declaration: ModelDeclaration,
    entity: Record<string, unknown>,
    features: readonly OnlineFeature[],
  ): Promise<FeatureRow | MeridianError> {
    if (!(await hasOptedOut(declaration, entity))) return unknownEntity(declaration, entity, features);
    if (declaration.serving.optedOut !== 'score-without-features') return optedOut(declaration, entity);
    return Object.fromEntries(declaration.inputs.map(({ name }) => [name, null]));
  }

  async function hasOptedOut({ views }: ModelDeclaration, entity: Record<string, unknown>): Promise<boolean> {
    const kinds = views.flatMap((view) => namingKeys(view.entity.joinKeys));
    const marks = await Promise.all(kinds.map((keys) => online.countMarked(keys, [entity])));
    return marks.some((marked) => marked > 0);
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

const isThere = ({ status }: OnlineFeature): boolean => status === 'PRESENT' || status === 'NULL_VALUE';

const toFeatureRow = ({ inputs }: ModelDeclaration, features: readonly OnlineFeature[]): FeatureRow =>
  Object.fromEntries(inputs.map(({ name }, position) => [name, toFeatureValue(features[position]!.value)]));

function unknownEntity(
  { views }: ModelDeclaration,
  entity: Record<string, unknown>,
  features: readonly OnlineFeature[],
): MeridianError {
  const names = views.map((view) => view.name).join(', ');
  const isExpired = features.some(({ status }) => status === 'OUTSIDE_MAX_AGE');
  const state = isExpired ? 'only expired features' : 'no features';
  const found = show(maskColumns(entity, personalColumns(...views)));
  return new MeridianError(
    ErrorCode.UnknownEntity,
    `${found}: ${state} online in ${names}. Materialize the views, or send the features themselves.`,
    [{ field: 'entity', found, expected: `an entity with features in ${names}` }],
  );
}

function optedOut({ name, views }: ModelDeclaration, entity: Record<string, unknown>): MeridianError {
  const found = show(maskColumns(entity, personalColumns(...views)));
  return new MeridianError(
    ErrorCode.EntityOptedOut,
    `${found}: has opted out, and ${name} scores nobody who has. Do without a prediction.`,
    [{ field: 'entity', found, expected: 'an entity that has not opted out' }],
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
