import * as fc from 'fast-check';
import { shouldStopEarly } from './early-stopping';

const earlier = [
  [0.5, 0.7],
  [0.6, 0.8],
  [0.1, 0.3],
];

describe('shouldStopEarly', () => {
  it('compares with the median of the running averages at the same epoch', () => {
    expect(shouldStopEarly([0.49], earlier, 'Maximize')).toBe(true);
    expect(shouldStopEarly([0.5], earlier, 'Maximize')).toBe(false);
    // Running averages at the second epoch: 0.6, 0.7, 0.2.
    expect(shouldStopEarly([0.9, 0.59], earlier, 'Maximize')).toBe(true);
    expect(shouldStopEarly([0.1, 0.61], earlier, 'Maximize')).toBe(false);
    expect(shouldStopEarly([0.1, 0.61], earlier, 'Minimize')).toBe(true);
  });

  it('lets go on where there is too little to compare with', () => {
    expect(shouldStopEarly([], earlier, 'Maximize')).toBe(false);
    expect(shouldStopEarly([0], earlier.slice(1), 'Maximize')).toBe(false);
    expect(shouldStopEarly([0, 0, 0], earlier, 'Maximize')).toBe(false);
  });

  it('never stops the best of all', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(values, { minLength: 3 }), (others) => {
        expect(shouldStopEarly([1, 1, 1, 1], others, 'Maximize')).toBe(false);
        expect(shouldStopEarly([-1, -1, -1, -1], others, 'Minimize')).toBe(false);
      }),
    );
  });
});
