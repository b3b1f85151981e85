import type { PredictRow } from '../../contracts/scoring';

// Looked up once: a workflow's globals are intercepted, which costs more than the multiplication.
const { imul } = Math;

/**
 * A short name of what a row asks, whatever the order of its keys: the sums of its entries' hashes, 53 bits of each by cyrb53
 * (github.com/bryc/code, public domain). It tells a mistake, not an attack; workflows have no SHA-256.
 */
export function digestOf({ features, entity, explain }: PredictRow): string {
  let high = features ? 1 : 0;
  let low = explain ? 1 : 0;
  const asked = features ?? entity ?? {};
  for (const name of Object.keys(asked)) {
    const value = asked[name];
    const [h1, h2] = hash(`${name}\0${typeof value}\0${String(value)}`);
    low = (low + h1) >>> 0;
    high = (high + h2) >>> 0;
  }
  return (4294967296 * (2097151 & high) + low).toString(36);
}

function hash(text: string): [number, number] {
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    h1 = imul(h1 ^ code, 2654435761);
    h2 = imul(h2 ^ code, 1597334677);
  }
  h1 = imul(h1 ^ (h1 >>> 16), 2246822507) ^ imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = imul(h2 ^ (h2 >>> 16), 2246822507) ^ imul(h1 ^ (h1 >>> 13), 3266489909);
  return [h1, h2];
}
