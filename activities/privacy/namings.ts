import type { FeatureView } from '../../contracts/model';
import { keysText, namingKeys, type JoinKeys } from '../../contracts/opt-outs';
import { ownersOf, type Entity } from '../../contracts/ownership';
import { identifier } from '../../platform/duckdb';

type Views = readonly Concerned[];

/** What of a view says whom a list may name: whom its rows are about, and whom they belong to. */
export type Concerned = Pick<FeatureView, 'entity' | 'features'>;

/** A way in which a row of the list names an entity. */
export interface Naming {
  /** Have a value, all of them. Sorted by name. */
  joinKeys: JoinKeys;
  /** Columns that are null: with a value they would say that only a part of that entity is meant. */
  empty: string[];
}

/**
 * How a list with these columns can name entities of the views: by all join keys of a view; by some (`namingKeys`), where
 * these are all that another view has, or all that the row has. So a customer is out of a view by customer and region; a
 * customer in one region is out of that view there only, unless another view is about customers as such.
 */
export function namings(views: Views, known: Views, columns: readonly string[]): Naming[] {
  const whole = new Set(kindsOf(known).map(namesText));
  const joinKeyNames = new Set(kindsOf(known).flatMap((joinKeys) => joinKeys.map(({ name }) => name)));
  const identifying = columns.filter((name) => joinKeyNames.has(name));
  const all = new Map<string, Naming>();
  for (const joinKeys of kindsOf(views).flatMap(namingKeys)) {
    const names = joinKeys.map(({ name }) => name);
    if (!names.every((name) => identifying.includes(name))) continue;
    const empty = whole.has(namesText(joinKeys)) ? [] : identifying.filter((name) => !names.includes(name));
    all.set(keysText(joinKeys), { joinKeys, empty });
  }
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, naming]) => naming);
}

/** SQL condition: a row of the list names an entity in this way. */
export const namesEntity = ({ joinKeys, empty }: Naming): string =>
  [
    ...joinKeys.map(({ name }) => `${identifier(name)} IS NOT NULL`),
    ...empty.map((name) => `${identifier(name)} IS NULL`),
  ].join(' AND ');

/** The different join keys of whom the views are about, or their rows belong to; each sorted by name. */
export const kindsOf = (views: Views): JoinKeys[] =>
  differentKeys(views.flatMap((view) => [view.entity, ...ownersOf(view)]));

/** The different join keys of these entities, each sorted by name. */
export function differentKeys(entities: readonly Entity[]): JoinKeys[] {
  const kinds = new Map<string, JoinKeys>();
  for (const { joinKeys: declared } of entities) {
    const joinKeys = [...declared].sort((a, b) => (a.name < b.name ? -1 : 1));
    kinds.set(keysText(joinKeys), joinKeys);
  }
  return [...kinds.values()];
}

const namesText = (joinKeys: JoinKeys): string => joinKeys.map(({ name }) => name).join();
