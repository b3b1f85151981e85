import type { MeridianError } from '../../contracts/errors';
import { readQuery } from './query';

describe('query parameters', () => {
  const spec = { stage: ['production', 'staging'], explain: ['true', 'false'] };

  it('are read by what the route takes', () => {
    expect(readQuery('')).toEqual({});
    expect(readQuery('stage=staging&explain=true', spec)).toEqual({ stage: 'staging', explain: 'true' });
  });

  it.each([
    ['verbose=1', '"verbose"'],
    ['stage=Staging', 'stage'],
    ['stage=staging&stage=staging', 'stage'],
    ['stage', 'stage'],
    ['__proto__=1', '"__proto__"'],
    ['constructor=1', '"constructor"'],
  ])('%s is refused by the name of what is wrong', (text, field) => {
    let refused: MeridianError | undefined;
    try {
      readQuery(text, spec);
    } catch (error) {
      refused = error as MeridianError;
    }
    expect(refused).toMatchObject({ code: 'InvalidInput', fields: [{ field }] });
  });
});
