import type { FeatureView, ModelDeclaration } from '../contracts/model';

type Input = ModelDeclaration['inputs'][number];

const INPUT_TYPE: Record<FeatureView['features'][number]['type'], Input['type']> = {
  double: 'number',
  float: 'number',
  int64: 'number',
  int32: 'number',
  bool: 'boolean',
  string: 'category',
};

/** Every feature of the views as a model's input, named as the feature is; but for those that say whose a row is. */
export function inputsOf(views: readonly FeatureView[]): Input[] {
  return views.flatMap((view) =>
    view.features
      .filter(({ belongsTo }) => belongsTo === undefined)
      .map(({ name, type }) => ({
        name,
        view: view.name,
        feature: name,
        type: INPUT_TYPE[type],
      })),
  );
}
