import * as fc from 'fast-check';
import type { TabularSignature } from '../../contracts/model';
import { createEncoder } from './encode';

const signature: Pick<TabularSignature, 'inputs'> = {
  inputs: [
    { name: 'tenure', type: 'number' },
    { name: 'auto_renew', type: 'boolean' },
    { name: 'plan', type: 'category', categories: ['basic', 'plus'] },
    { name: 'constructor', type: 'number' },
  ],
};
const encoder = createEncoder(signature);
const good = { tenure: 3.5, auto_renew: true, plan: 'plus', constructor: 1 };

function encode(features: Record<string, unknown>) {
  const target = new Float32Array(4).fill(-1);
  return { problems: encoder.encode(features, target, 0), row: [...target] };
}

describe('createEncoder', () => {
  it('writes numbers as they are, booleans as 1 and 0, categories as their index', () => {
    expect(encode(good)).toEqual({ problems: [], row: [3.5, 1, 1, 1] });
    expect(encode({ ...good, auto_renew: false, plan: 'basic' }).row).toEqual([3.5, 0, 0, 1]);
  });

  it('writes NaN for null and for a category that training never saw', () => {
    const nothing = { tenure: null, auto_renew: null, plan: null, constructor: null };
    expect(encode(nothing)).toEqual({ problems: [], row: [NaN, NaN, NaN, NaN] });
    for (const plan of ['never seen', '', 'toString', '__proto__'])
      expect(encode({ ...good, plan })).toEqual({ problems: [], row: [3.5, 1, NaN, 1] });
  });

  it('writes at the offset and nowhere else', () => {
    const target = new Float32Array(12).fill(7);
    expect(encoder.encode(good, target, 4)).toEqual([]);
    expect([...target]).toEqual([7, 7, 7, 7, 3.5, 1, 1, 1, 7, 7, 7, 7]);
  });

  it('names every problem of a row at once', () => {
    const { problems } = encode({ tenure: '12', auto_renew: 1, colour: 'red', plan: 3 });
    expect(problems).toEqual([
      { field: 'tenure', found: '"12"', expected: 'a finite number within ±3.4e38, or null' },
      { field: 'auto_renew', found: 'number 1', expected: 'true, false or null' },
      { field: 'plan', found: 'number 3', expected: 'a string or null' },
      { field: 'constructor', found: 'nothing', expected: 'a finite number within ±3.4e38, or null' },
      {
        field: 'colour',
        found: '"red"',
        expected: "no such feature; the model's features are tenure, auto_renew, plan, constructor",
      },
    ]);
  });

  it.each([NaN, Infinity, -Infinity, 1e39, 12n, [], {}, undefined, true, '1'])(
    'refuses %p as a number',
    (tenure) => {
      expect(encode({ ...good, tenure }).problems.map(({ field }) => field)).toEqual(['tenure']);
    },
  );

  it('takes names of the prototype for unknown or missing, as they came', () => {
    const { constructor: _, ...without } = good;
    expect(encode(without).problems.map(({ field, found }) => [field, found])).toEqual([
      ['constructor', 'nothing'],
    ]);
    const polluted = JSON.parse(
      '{"tenure": 1, "auto_renew": true, "plan": "plus", "__proto__": {"constructor": 1}}',
    );
    expect(encode(polluted).problems.map(({ field }) => field)).toEqual(['constructor', '__proto__']);
  });

  it('accepts a row exactly where each feature is there with a value of its type, and nothing else', () => {
    const value = fc.oneof(fc.double(), fc.boolean(), fc.string(), fc.constant(null), fc.constant(undefined));
    const rows = fc.dictionary(
      fc.constantFrom('tenure', 'auto_renew', 'plan', 'constructor', 'other'),
      value,
    );
    const fits = (row: Record<string, unknown>) =>
      Object.keys(row).sort().join() === 'auto_renew,constructor,plan,tenure' &&
      [row['tenure'], row['constructor']].every(
        (x) => x === null || (typeof x === 'number' && Math.abs(x) <= 3.4028234663852886e38),
      ) &&
      (row['auto_renew'] === null || typeof row['auto_renew'] === 'boolean') &&
      (row['plan'] === null || typeof row['plan'] === 'string');
    fc.assert(
      fc.property(rows, (row) => {
        expect(encode(row).problems.length === 0).toBe(fits(row));
      }),
    );
  });
});
