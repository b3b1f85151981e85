import fc from 'fast-check';
import type { ReleaseDecision } from '../../contracts/decision';
import type { ServedVersion } from '../../contracts/release';
import { nextGeneration } from './generation';

const served = (version: string): ServedVersion => ({
  version,
  artifactKey: `models/churn/${version}/manifest.json`,
  sha256: version,
});
const decision = (kind: 'promote' | 'withdraw', version: string): ReleaseDecision => ({
  id: `d/${version}`,
  kind,
  version,
  by: 'me',
  reason: 'why',
});
const WHEN = '2026-11-21T00:00:00.000Z';

describe('nextGeneration', () => {
  it('numbers from one and links each generation to the one before', () => {
    const plan = {
      decision: decision('promote', 'churn-v1.0.0'),
      before: null,
      production: served('churn-v1.0.0'),
      candidate: null,
      evidence: null,
    };
    const first = nextGeneration('churn', plan, WHEN);
    expect(first).toMatchObject({
      n: 1,
      previous: null,
      variants: [{ version: 'churn-v1.0.0', weight: 1, mode: 'live' }],
    });
    const second = nextGeneration(
      'churn',
      { ...plan, before: first, production: served('churn-v1.1.0') },
      WHEN,
    );
    expect(second).toMatchObject({ n: 2, previous: 1, salt: first.salt });
  });

  it('splits all of the traffic between champion and candidate, whatever the weight', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), (weight) => {
        const plan = {
          decision: {
            id: 'd',
            kind: 'route' as const,
            weight,
            version: 'churn-v1.1.0',
            by: 'me',
            reason: '',
          },
          before: null,
          production: served('churn-v1.0.0'),
          candidate: served('churn-v1.1.0'),
          evidence: null,
        };
        const { variants, production } = nextGeneration('churn', plan, WHEN);
        expect(variants.reduce((sum, v) => sum + v.weight, 0)).toBeCloseTo(1, 12);
        expect(variants.filter((v) => v.mode === 'live').map((v) => v.version)).toEqual([production.version]);
        expect(variants[1]!.mode).toBe(weight === 0 ? 'shadow' : 'canary');
      }),
    );
  });
});
