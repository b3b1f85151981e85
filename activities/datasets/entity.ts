import type { FeatureView, ModelDeclaration } from '../../contracts/model';

/** What a model predicts for: the join keys of all its views, in the order of their names. */
export function modelJoinKeys(declaration: ModelDeclaration): FeatureView['entity']['joinKeys'] {
  const keys = new Map(
    declaration.views.flatMap((view) => view.entity.joinKeys).map((key) => [key.name, key]),
  );
  return [...keys.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
