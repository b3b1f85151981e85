import * as fc from 'fast-check';
import type { FeatureView } from '../../contracts/model';
import { checkValue } from './push-value';

type Feature = FeatureView['features'][number];
const feature = (type: Feature['type'], checks?: Feature['checks']): Feature => ({ name: 'x', type, checks });
const refused = { expected: expect.any(String) as string };

it.each<[Feature['type'], unknown, unknown]>([
  ['double', -0, -0],
  ['double', 5e-324, 5e-324],
  ['float', 0.1, 0.1],
  ['int32', -(2 ** 31), -(2 ** 31)],
  ['int64', 2 ** 53 - 1, 2 ** 53 - 1],
  ['int64', '9007199254740993', 9_007_199_254_740_993n],
  ['int64', '-9223372036854775808', -(2n ** 63n)],
  ['bool', false, false],
  ['string', '', ''],
  ['string', '😀', '😀'],
  ['double', null, null],
])('takes a %s of %j', (type, given, value) => {
  expect(checkValue(feature(type), given)).toStrictEqual({ value });
});

it.each<[Feature['type'], string]>([
  ['double', '1e999'],
  ['double', '"NaN"'],
  ['double', '"1"'],
  ['double', 'true'],
  ['float', '1e39'],
  ['int32', '2147483648'],
  ['int32', '0.5'],
  ['int32', '"1"'],
  ['int64', '9007199254740993'],
  ['int64', '1.5'],
  ['int64', '"9223372036854775808"'],
  ['int64', '"1e3"'],
  ['int64', '""'],
  ['bool', '1'],
  ['bool', '"true"'],
  ['string', '1'],
  ['string', '"\\ud800"'],
  ['string', '{"__proto__": 1}'],
  ['string', '[]'],
])('refuses %s for the JSON %s', (type, json) => {
  expect(checkValue(feature(type), JSON.parse(json))).toEqual(refused);
});

it('keeps every integer of 64 bits exact that comes as text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(checkValue(feature('int64'), String(value))).toStrictEqual({ value });
    }),
  );
});

it('holds values to the checks beside the feature', () => {
  const bounded = feature('int64', { min: 0, max: 2 ** 60 });
  expect(checkValue(bounded, '1152921504606846976')).toEqual({ value: 2n ** 60n });
  expect(checkValue(bounded, '1152921504606846977')).toEqual({ expected: `at most ${2 ** 60}` });
  expect(checkValue(bounded, -1)).toEqual({ expected: 'at least 0' });
  expect(checkValue(feature('double', { min: 0 }), -0)).toStrictEqual({ value: -0 });
  expect(checkValue(feature('string', { categories: ['a', 'b'] }), 'c')).toEqual({ expected: 'one of a, b' });
  expect(checkValue(feature('double', { maxNullShare: 0 }), null)).toEqual({
    expected: 'a value, never null',
  });
  expect(checkValue(feature('double', { maxNullShare: 0.5 }), null)).toEqual({ value: null });
});
