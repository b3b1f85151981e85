import type { PredictRow } from '../../contracts/scoring';

/**
 * A short name of what a row asks, whatever the order of its keys: 53 bits, cyrb53 (github.com/bryc/code, public domain). It tells
 * a mistake, not an attack; workflows have no SHA-256.
 */
export function digestOf({ features, entity, explain }: PredictRow): string {
  const asked = features ?? entity ?? {};
  const text = `${features ? 'f' : 'e'}${explain ? 1 : 0}${JSON.stringify(asked, Object.keys(asked).sort())}`;
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    h1 = Math.imul(h1 ^ code, 2654435761);
    h2 = Math.imul(h2 ^ code, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return (4294967296 * (2097151 & h2) + (h1 >>> 0)).toString(36);
}
