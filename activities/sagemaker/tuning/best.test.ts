import * as fc from 'fast-check';
import type { Trial } from '../../../contracts/tuning';
import { bestOf } from './outcome';

const trials = fc.array(
  fc.record({
    status: fc.constantFrom('Completed', 'Failed', 'Stopped'),
    objective: fc.option(fc.integer({ min: -3, max: 3 })),
  }),
) as fc.Arbitrary<Trial[]>;

describe('bestOf', () => {
  it('is the first of the best that completed', () => {
    fc.assert(
      fc.property(trials, fc.constantFrom('minimize' as const, 'maximize' as const), (all, goal) => {
        const eligible = all.filter(({ status, objective }) => status === 'Completed' && objective !== null);
        const values = eligible.map(({ objective }) => objective!);
        const best = goal === 'minimize' ? Math.min(...values) : Math.max(...values);
        expect(bestOf(all, goal)).toBe(eligible.find(({ objective }) => objective === best) ?? null);
      }),
    );
  });
});
