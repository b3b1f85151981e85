import { storedName } from '../contracts/feature-view';
import type { FeatureView, ModelDeclaration } from '../contracts/model';

/** What a model uses: the features it asks for together, online and in its datasets. */
export interface FeatureService {
  /** The model's name. */
  name: string;
  description: string;
  owner: string;
  /** By view, in the order of the model's views; views of which nothing is used are left out. */
  views: { view: string; version: number; storedName: string; features: string[] }[];
}

export function serviceOf({ name, description, owner, views, inputs }: ModelDeclaration): FeatureService {
  const used = (view: FeatureView): string[] => {
    const asked = new Set(inputs.filter((input) => input.view === view.name).map(({ feature }) => feature));
    return view.features.map((feature) => feature.name).filter((feature) => asked.has(feature));
  };
  const projections = views.map((view) => ({
    view: view.name,
    version: view.version,
    storedName: storedName(view),
    features: used(view),
  }));
  return { name, description, owner, views: projections.filter(({ features }) => features.length > 0) };
}
