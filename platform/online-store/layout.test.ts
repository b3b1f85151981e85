import * as fc from 'fast-check';
import { coerceJoinKey, encodeEntityKey } from './entity-key';
import { featureField } from './fields';
import { readTimestamp, readValue } from './read-cells';
import { encodeTimestamp } from './timestamp';
import { encodeValue, type FeatureType, type StoredValue } from './value';

const micros = (text: string): bigint => {
  const [seconds, fraction] = text.split('.');
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction ?? 0);
};

describe('the layout that Feast 0.67 writes', () => {
  it('encodes entity keys as it does', () => {
    expect(
      encodeEntityKey('churn', [{ name: 'customer_id', type: 'string' }], {
        customer_id: 'C0000001',
      }).toString('hex'),
    ).toBe('01000000020000000b000000637573746f6d65725f696402000000080000004330303030303031636875726e');
    expect(
      encodeEntityKey(
        'churn',
        [
          { name: 'region_id', type: 'int64' },
          { name: 'customer_id', type: 'string' },
        ],
        { region_id: 7, customer_id: 'C1' },
      ).toString('hex'),
    ).toBe(
      '02000000020000000b000000637573746f6d65725f69640200000009000000726567696f6e5f6964' +
        '0200000002000000433104000000080000000700000000000000' +
        '636875726e',
    );
  });

  it('names fields by the hash it uses', () => {
    expect(featureField('churn_features', 'tenure_days').toString('hex')).toBe('8b203ceb');
    expect(featureField('order_stats', 'visits').toString('hex')).toBe('825de227');
  });

  it.each<[FeatureType, StoredValue, string]>([
    ['double', 412.5, '290000000000c87940'],
    ['int64', -3, '20fdffffffffffffffff01'],
    ['int64', 0, '2000'],
    ['double', 0, '290000000000000000'],
    ['double', -0, '290000000000000080'],
    ['bool', false, '3800'],
    ['bool', true, '3801'],
    ['string', '', '1200'],
    ['string', 'ä', '1202c3a4'],
    ['int32', -1, '18ffffffffffffffffff01'],
    ['float', 0.5, '350000003f'],
    ['double', null, ''],
    ['double', NaN, ''],
  ])('encodes a %s of %p as %s', (type, value, hex) => {
    expect(encodeValue(type, value).toString('hex')).toBe(hex);
  });

  it('encodes event times to the microsecond', () => {
    expect(encodeTimestamp(micros('2026-03-01T12:34:56.789012')).toString('hex')).toBe(
      '08f0e490cd0610a0bc9df802',
    );
    expect(encodeTimestamp(0n).toString('hex')).toBe('');
  });
});

describe('what is written can be read', () => {
  const values: Record<FeatureType, fc.Arbitrary<StoredValue>> = {
    string: fc.string({ unit: 'grapheme' }),
    int32: fc.integer(),
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    double: fc.double({ noNaN: true }),
    float: fc.float({ noNaN: true }),
    bool: fc.boolean(),
  };

  it.each(Object.entries(values))('every %s', (type, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = encodeValue(type as FeatureType, value);
        const read = readValue(type as FeatureType, bytes, 0, bytes.length);
        // An int64 comes as a number where that is exact.
        expect(typeof value === 'bigint' ? String(read) : read).toBe(
          typeof value === 'bigint' ? String(value) : value,
        );
      }),
    );
  });

  it('every event time, before 1970 as well', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n }), (time) => {
        const bytes = encodeTimestamp(time);
        expect(readTimestamp(bytes, 0, bytes.length)).toBe(time);
      }),
    );
  });
});

describe('what does not fit is refused by name', () => {
  it.each<[FeatureType, StoredValue]>([
    ['int32', 2 ** 31],
    ['int32', 0.5],
    ['int64', 2 ** 53],
    ['int64', 2n ** 63n],
    ['double', '1'],
    ['bool', 1],
    ['string', 1],
  ])('a %s of %p', (type, value) => {
    expect(() => encodeValue(type, value)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });

  it('converts join keys to their declared type, as Feast does', () => {
    expect(coerceJoinKey({ name: 'k', type: 'string' }, 1001)).toBe('1001');
    expect(coerceJoinKey({ name: 'k', type: 'int64' }, '1001')).toBe(1001n);
    expect(coerceJoinKey({ name: 'k', type: 'int64' }, 1001.0)).toBe(1001n);
    for (const [type, value] of [
      ['string', null],
      ['string', true],
      ['string', undefined],
      ['int64', 'C1'],
      ['int64', 1.5],
      ['int64', 2n ** 63n],
      ['int32', 2 ** 31],
    ] as const) {
      expect(() => coerceJoinKey({ name: 'k', type }, value)).toThrow(
        expect.objectContaining({
          code: 'InvalidInput',
          fields: [expect.objectContaining({ field: 'entity.k' })],
        }),
      );
    }
  });
});
