import { ErrorCode, MeridianError, type FieldProblem, problemText } from './errors';
import type { FeatureView, ModelDeclaration } from './model';
import { keysText } from './opt-outs';

export type Entity = FeatureView['entity'];
type Feature = FeatureView['features'][number];
type KeyType = Entity['joinKeys'][number]['type'];

const KEY_TYPES: readonly Feature['type'][] = ['string', 'int64', 'int32'] satisfies KeyType[];

/** Whether a feature can be somebody's join key. */
export const canBeKey = (type: Feature['type']): type is KeyType => KEY_TYPES.includes(type);

/**
 * The entities that the rows of a view belong to, beside the one that they are about: who wrote an event. Each with the
 * features that are its join keys.
 */
export function ownersOf({ features }: Pick<FeatureView, 'features'>): Entity[] {
  const owners = new Map<string, Entity>();
  for (const { name, type, belongsTo, personal } of features) {
    if (belongsTo === undefined || !canBeKey(type)) continue;
    const owner = owners.get(belongsTo) ?? { name: belongsTo, joinKeys: [] };
    owner.joinKeys.push({ name, type, ...(personal && { personal }) });
    owners.set(belongsTo, owner);
  }
  return [...owners.values()];
}

/** The join keys of all whom rows of the views belong to, in words and in order: `customer_id string`. */
export const ownerKeys = (views: readonly Pick<FeatureView, 'features'>[]): string[] =>
  [...new Set(views.flatMap(ownersOf).map(({ joinKeys }) => keysText(joinKeys)))].sort();

/**
 * Refuses a model that would learn who a row belongs to.
 * @throws MeridianError InvalidInput, listing each input
 */
export function checkInputs({ name, views, inputs }: ModelDeclaration): void {
  const problems = inputs.flatMap((input, index): FieldProblem[] => {
    const view = views.find((one) => one.name === input.view);
    const belongsTo = view?.features.find((one) => one.name === input.feature)?.belongsTo;
    if (belongsTo === undefined) return [];
    const found = `${input.view}:${input.feature}, which names the ${belongsTo} that a row belongs to`;
    return [{ field: `inputs.${index}.feature`, found, expected: 'a feature that a model may learn from' }];
  });
  if (problems.length === 0) return;
  const told = problems.map(problemText);
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `declaration of ${name}: ${told.join('; ')}. Nothing was published. Take it out of the inputs.`,
    problems,
  );
}
