import * as fc from 'fast-check';
import type * as Masking from './masking';
import {
  createMask,
  mask,
  maskColumns,
  personalColumns,
  showColumn,
  showEntity,
  unkeyedMaskWarning,
} from './masking';

const view = {
  entity: {
    name: 'household',
    joinKeys: [
      { name: 'email', type: 'string' as const, personal: true },
      { name: 'region', type: 'int64' as const },
    ],
  },
  features: [
    { name: 'age', type: 'int32' as const, personal: true },
    { name: 'plan', type: 'string' as const, personal: false },
  ],
};
const personal = personalColumns(view);

describe('mask', () => {
  it('is short, stable and tells values apart', () => {
    expect(mask('ana@example.com')).toMatch(/^•[0-9a-f]{8}$/);
    expect(mask('ana@example.com')).toBe(mask('ana@example.com'));
    const masks = new Set(Array.from({ length: 10_000 }, (_, n) => mask(`C${n}`)));
    // 32 bits: of ten thousand values about 0.01 share a mask.
    expect(masks.size).toBeGreaterThan(9_997);
  });

  it('gives one entity one mask, however its key is typed', () => {
    expect(new Set([1001, 1001n, '1001'].map(mask)).size).toBe(1);
    expect(mask(9007199254740993n)).toBe(mask('9007199254740993'));
  });

  it('depends on the key, so that nobody without it can try candidates', () => {
    expect(createMask('one')('C000017')).not.toBe(createMask('another')('C000017'));
  });

  it('shows nothing of any value but that it is null', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: false }), (value) => {
        expect(mask(value)).toMatch(value === null || value === undefined ? /^null$/ : /^•[0-9a-f]{8}$/);
      }),
    );
  });
});

describe('the key of the platform', () => {
  const before = process.env['MERIDIAN_MASKING_KEY'];
  afterEach(() => {
    if (before === undefined) delete process.env['MERIDIAN_MASKING_KEY'];
    else process.env['MERIDIAN_MASKING_KEY'] = before;
  });

  it('may be set after this was loaded, as long as nothing is masked yet', () => {
    jest.isolateModules(() => {
      delete process.env['MERIDIAN_MASKING_KEY'];
      const fresh = jest.requireActual<typeof Masking>('./masking');
      process.env['MERIDIAN_MASKING_KEY'] = 'a secret';
      expect(fresh.mask('C000017')).toBe(createMask('a secret')('C000017'));
      process.env['MERIDIAN_MASKING_KEY'] = 'another';
      expect(fresh.mask('C000017')).toBe(createMask('a secret')('C000017'));
    });
  });

  it('is missed where there is none, or an empty one', () => {
    expect(unkeyedMaskWarning({ MERIDIAN_MASKING_KEY: 'a secret' })).toBeNull();
    for (const env of [{}, { MERIDIAN_MASKING_KEY: '' }])
      expect(unkeyedMaskWarning(env)).toMatch(/^MERIDIAN_MASKING_KEY: expected a secret, found nothing/);
  });
});

it('finds the personal columns of views: join keys and features', () => {
  expect([...personal]).toEqual(['email', 'age']);
  expect(personalColumns()).toEqual(new Set());
});

it('shows what is not personal as it is', () => {
  expect(showColumn('plan', 'team', personal)).toBe('"team"');
  expect(showColumn('age', 41, personal)).toBe(mask(41));
  expect(maskColumns({ email: 'a@b.c', region: 7n, age: null }, personal)).toEqual({
    email: mask('a@b.c'),
    region: 7n,
    age: 'null',
  });
  expect(showEntity({ email: 'a@b.c', region: 7n }, personal)).toBe(`email=${mask('a@b.c')}, region=7`);
});
