import type { FeatureView } from './model';

export type JoinKeys = FeatureView['entity']['joinKeys'];

/**
 * By which of an entity's join keys somebody may be named who asked to be left out: by all of them, or by some, with a
 * personal one among them where the entity has any. (A region alone names nobody.) Each set is sorted by name; all of
 * them come first.
 */
export function namingKeys(joinKeys: JoinKeys): JoinKeys[] {
  const sorted = [...joinKeys].sort((a, b) => (a.name < b.name ? -1 : 1));
  const anyPersonal = sorted.some(({ personal }) => personal === true);
  const some = Array.from({ length: 2 ** sorted.length - 2 }, (_, index) =>
    sorted.filter((_key, at) => ((index + 1) >> at) % 2 === 1),
  );
  return [sorted, ...some.filter((keys) => !anyPersonal || keys.some(({ personal }) => personal === true))];
}

/** One text for the same join keys in the same types. */
export const keysText = (joinKeys: JoinKeys): string =>
  joinKeys.map(({ name, type }) => `${name} ${type}`).join();
