import murmurhash from 'murmurhash';
import type { Variant } from '../../contracts/release';

/** Chooses the variant that answers a request. */
export type Router<V> = (stickyKey: string) => V;

/**
 * Splits traffic by the weights of the canary variants; the live variant answers the rest. The same key always gets
 * the same variant, and raising a canary's weight only ever moves keys towards it.
 */
export function createRouter<V extends Pick<Variant, 'weight'> & { mode: string }>(
  variants: readonly V[],
  salt: string,
): Router<V> {
  const live = variants.find((variant) => variant.mode === 'live');
  if (!live) throw new RangeError('No live variant: expected exactly one.');
  const canaries = variants.filter((variant) => variant.mode === 'canary' && variant.weight > 0);
  if (canaries.length === 0) return () => live;
  return (stickyKey) => {
    const point = sharePoint(salt, stickyKey);
    let reached = 0;
    for (const canary of canaries) {
      reached += canary.weight;
      if (point < reached) return canary;
    }
    return live;
  };
}

/** Where a key falls between 0 and 1: always the same place, and evenly over many keys. */
export const sharePoint = (salt: string, key: string): number =>
  murmurhash.v3(Buffer.from(`${salt}:${key}`)) / 2 ** 32;

/** Join keys in one spelling, whatever the order they came in. */
export function entityKey(entity: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1))));
}
