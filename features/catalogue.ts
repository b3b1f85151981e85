import type { FeatureView } from '../contracts/model';
import type { FeatureService } from './services';

export interface SearchHit {
  view: string;
  /** Null where the view itself was found. */
  feature: string | null;
  description: string;
  /** Where the words stand: `name`, `description`, `owner`, `tags`, `feature`. */
  in: string[];
}

export interface FeatureUse {
  view: string;
  feature: string;
  models: string[];
}

export interface Reuse {
  features: number;
  used: number;
  /** Used by two models or more. */
  shared: number;
  /** shared / used; 0 where nothing is used. */
  reuseRate: number;
  uses: FeatureUse[];
  unused: { view: string; feature: string }[];
}

/** The models that use a view, in alphabetical order. */
export const usersOf = (view: string, services: readonly FeatureService[]): string[] =>
  services
    .filter(({ views }) => views.some((one) => one.view === view))
    .map(({ name }) => name)
    .sort();

/** Views and features whose texts have every word of `text`, whatever its case. */
export function search(views: readonly FeatureView[], text: string): SearchHit[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return views.flatMap((view) => {
    const texts = {
      name: view.name,
      description: view.description,
      owner: view.owner,
      tags: Object.entries(view.tags ?? {})
        .flat()
        .join(' '),
    };
    const found = whereFound(texts, words);
    const hits: SearchHit[] =
      found.length > 0 ? [{ view: view.name, feature: null, description: view.description, in: found }] : [];
    for (const { name, description = '' } of view.features) {
      const inFeature = whereFound({ name, description }, words);
      if (inFeature.length > 0) hits.push({ view: view.name, feature: name, description, in: inFeature });
    }
    return hits;
  });
}

/** The places that hold a word, where all words are in one place or another. */
function whereFound(texts: Record<string, string>, words: readonly string[]): string[] {
  const places = Object.entries(texts).map(([place, text]) => ({ place, text: text.toLowerCase() }));
  if (!words.every((word) => places.some(({ text }) => text.includes(word)))) return [];
  return places.filter(({ text }) => words.some((word) => text.includes(word))).map(({ place }) => place);
}

/** Which models use which feature, and how many features more than one does. */
export function reuseOf(views: readonly FeatureView[], services: readonly FeatureService[]): Reuse {
  const all = new Map(
    views.flatMap((view) => view.features.map(({ name }) => [`${view.name}:${name}`, use(view.name, name)])),
  );
  for (const service of services) {
    for (const { view, features } of service.views) {
      for (const feature of features) {
        const id = `${view}:${feature}`;
        // One that only an older version of the view has is used all the same.
        const known = all.get(id) ?? use(view, feature);
        known.models.push(service.name);
        all.set(id, known);
      }
    }
  }
  const uses = [...all.values()].filter(({ models }) => models.length > 0);
  const shared = uses.filter(({ models }) => models.length > 1).length;
  return {
    features: all.size,
    used: uses.length,
    shared,
    reuseRate: uses.length === 0 ? 0 : shared / uses.length,
    uses,
    unused: [...all.values()]
      .filter(({ models }) => models.length === 0)
      .map(({ view, feature }) => ({ view, feature })),
  };
}

const use = (view: string, feature: string): FeatureUse => ({ view, feature, models: [] });
