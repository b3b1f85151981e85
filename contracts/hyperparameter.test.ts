import * as fc from 'fast-check';
import { hyperparameterText } from './hyperparameter';

describe('hyperparameterText', () => {
  it('is JSON of the value, on one line for every reader of lines', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\u0085', '\u2028', '\u2029', '"', '\\') }),
      fc.boolean(),
      fc.integer(),
    );
    fc.assert(
      fc.property(value, (one) => {
        const text = hyperparameterText(one);
        expect(JSON.parse(text)).toBe(one);
        expect(text).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
      }),
    );
  });
});
