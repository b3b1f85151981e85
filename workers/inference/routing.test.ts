import fc from 'fast-check';
import { createRouter, entityKey } from './routing';

const variants = (weight: number) => [
  { name: 'live', mode: 'live' as const, weight: 1 - weight },
  { name: 'canary', mode: 'canary' as const, weight },
  { name: 'shadow', mode: 'shadow' as const, weight: 0 },
];
const weights = fc.double({ min: 0, max: 1, noNaN: true });

describe('createRouter', () => {
  it('gives the same key the same variant, and never a shadow', () => {
    fc.assert(
      fc.property(weights, fc.string(), fc.string(), (weight, salt, key) => {
        const first = createRouter(variants(weight), salt)(key);
        expect(createRouter(variants(weight), salt)(key).name).toBe(first.name);
        expect(first.name).not.toBe('shadow');
      }),
    );
  });

  it('keeps a key on the canary while its weight rises', () => {
    fc.assert(
      fc.property(weights, weights, fc.string(), (a, b, key) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const before = createRouter(variants(low), 's')(key).name;
        const after = createRouter(variants(high), 's')(key).name;
        expect(before === 'canary' ? after : 'canary').toBe('canary');
      }),
    );
  });

  it.each([0, 0.1, 0.25, 0.5, 1])('gives the canary its share of %d', (weight) => {
    const route = createRouter(variants(weight), 'salt');
    const keys = Array.from({ length: 20_000 }, (_, i) => `C${String(i).padStart(6, '0')}`);
    const share = keys.filter((key) => route(key).name === 'canary').length / keys.length;
    // Four standard deviations of a binomial share.
    expect(Math.abs(share - weight)).toBeLessThanOrEqual(
      4 * Math.sqrt((weight * (1 - weight)) / keys.length),
    );
  });

  it('refuses a generation that nothing serves live', () => {
    expect(() => createRouter([{ mode: 'canary', weight: 1 }], 's')).toThrow('No live variant');
  });
});

describe('entityKey', () => {
  it('does not depend on the order of the join keys', () => {
    expect(entityKey({ b: 1, a: 'x' })).toBe(entityKey({ a: 'x', b: 1 }));
  });
});
