import fc from 'fast-check';
import { validateScorerInput } from './generated/validators';
import { isModelName } from './model-name';

describe('a model name', () => {
  it('is what the schemas take for one', () => {
    const letters = fc.constantFrom('a', 'z', '0', '-', 'A', '_', 'ä');
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 45 }), (name) => {
        expect(isModelName(name)).toBe(validateScorerInput({ model: name, shard: 0 }));
      }),
    );
  });

  it.each([
    ['churn', true],
    ['a'.repeat(40), true],
    ['a'.repeat(41), false],
    ['', false],
    ['-churn', false],
    ['churn-', false],
  ])('%p: %p', (name, is) => {
    expect(isModelName(name)).toBe(is);
    expect(validateScorerInput({ model: name, shard: 0 })).toBe(is);
  });
});
