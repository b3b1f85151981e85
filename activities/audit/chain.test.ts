import fc from 'fast-check';
import { seal } from './chain';

const entry = {
  formatVersion: 1 as const,
  n: 1,
  model: 'churn',
  when: '2026-11-21T00:00:00Z',
  who: 'me',
  what: 'promote',
  why: 'it passed',
  before: null,
  after: { n: 1 },
  previous: null,
};

describe('seal', () => {
  it('gives any changed entry another hash', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('who', 'what', 'why', 'when') as fc.Arbitrary<'who'>,
        fc.string(),
        (field, text) => {
          fc.pre(text !== entry[field]);
          expect(seal({ ...entry, [field]: text }).hash).not.toBe(seal(entry).hash);
        },
      ),
    );
  });

  it('does not depend on the order of keys', () => {
    const reordered = Object.fromEntries(Object.entries(entry).toReversed()) as typeof entry;
    expect(seal(reordered).hash).toBe(seal(entry).hash);
  });
});
