import * as fc from 'fast-check';
import { encodeEntityKey, type JoinKey } from './entity-key';
import { entityKeyDecoder } from './entity-sample';

const joinKeys: JoinKey[] = [
  { name: 'region_id', type: 'int64' },
  { name: 'customer_id', type: 'string' },
  { name: 'seat', type: 'int32' },
];
const entities = fc.record({
  region_id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  customer_id: fc.string({ unit: 'binary' }),
  seat: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(BigInt),
});

describe('entityKeyDecoder', () => {
  it('finds the entity that a key was made of', () => {
    fc.assert(
      fc.property(entities, (entity) => {
        expect(entityKeyDecoder('meridian', joinKeys)(encodeEntityKey('meridian', joinKeys, entity))).toEqual(
          entity,
        );
      }),
    );
  });

  it('knows keys of other entities, other projects and no entity from its own', () => {
    const decode = entityKeyDecoder('meridian', [joinKeys[1]!]);
    const entity = { customer_id: 'C1', region_id: 1, seat: 1 };
    const key = encodeEntityKey('meridian', [joinKeys[1]!], entity);
    expect(decode(encodeEntityKey('meridian', joinKeys, entity))).toBeNull();
    expect(decode(encodeEntityKey('other_meridian', [joinKeys[1]!], entity))).toBeNull();
    expect(
      decode(encodeEntityKey('meridian', [{ name: 'customer_id', type: 'int64' }], { customer_id: 1 })),
    ).toBeNull();
    expect(decode(Buffer.from('meridian:captures'))).toBeNull();
    for (let cut = 0; cut < key.length; cut += 1) expect(decode(key.subarray(0, cut))).toBeNull();
  });
});
