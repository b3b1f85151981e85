import { validateFeatureView } from '../contracts/generated/validators';
import type { FeatureView } from '../contracts/model';
import { parse } from '../contracts/validate';
import { featureField } from '../platform/online-store/fields';
import { breakingChanges, flawsOf, LOAD_INTERVAL_SECONDS, sharedFields, sharedName } from './rules';
import { customerAccount, featureViews } from './index';

const view = (change: Partial<FeatureView> = {}): FeatureView => ({
  ...customerAccount,
  name: 'orders',
  features: [
    { name: 'count', type: 'int64' },
    { name: 'total', type: 'double' },
  ],
  ...change,
});
const fields = (problems: { field: string }[]) => problems.map(({ field }) => field);

describe('the views of this repository', () => {
  it.each(featureViews.map((one) => [one.name, one] as const))(
    '%s fits its schema and has no flaw',
    (_, one) => {
      expect(parse(validateFeatureView, one.name, one)).toEqual(one);
      expect(flawsOf(one)).toEqual([]);
    },
  );

  it('share neither names nor hash fields', () => {
    for (const one of featureViews) {
      const others = featureViews.filter((other) => other !== one);
      expect([...sharedName(one, others), ...sharedFields(one, others)]).toEqual([]);
    }
  });
});

describe('a definition in itself', () => {
  it.each<[string, Partial<FeatureView>, string[]]>([
    ['nothing wrong', {}, []],
    [
      'a feature twice, whatever its case',
      {
        features: [
          { name: 'a', type: 'bool' },
          { name: 'A', type: 'bool' },
        ],
      },
      ['features.1.name'],
    ],
    [
      'a feature named like a join key',
      { features: [{ name: 'customer_id', type: 'string' }] },
      ['features.0.name'],
    ],
    [
      'features named like columns of the offline store',
      {
        features: ['event_timestamp', 'created_timestamp', 'dt'].map((name) => ({ name, type: 'string' })),
      },
      ['features.0.name', 'features.1.name', 'features.2.name'],
    ],
    [
      'names that queries need for themselves',
      {
        entity: { name: 'e', joinKeys: [{ name: '__place', type: 'string' }] },
        features: ['File_Index', 'file_row_number', 'filename', '__event'].map((name) => ({
          name,
          type: 'string',
        })),
      },
      ['entity.joinKeys.0.name', ...[0, 1, 2, 3].map((n) => `features.${n}.name`)],
    ],
    ['a feature without a name', { features: [{ name: '', type: 'bool' }] }, ['features.0.name']],
    ['a ttl of a day', { ttlSeconds: LOAD_INTERVAL_SECONDS }, ['ttlSeconds']],
    ['a ttl of two days', { ttlSeconds: 2 * LOAD_INTERVAL_SECONDS }, []],
    ['no ttl', { ttlSeconds: 0 }, []],
    ['a short ttl of pushed values', { ttlSeconds: 60, push: true, transformation: null, sources: [] }, []],
    ['a short ttl of values pushed and loaded', { ttlSeconds: 60, push: true }, ['ttlSeconds']],
    ['a transformation of nothing', { sources: [] }, ['sources']],
    [
      'a source twice',
      {
        sources: [
          { table: 'orders', lookBackDays: 1 },
          { table: 'orders', lookBackDays: 7 },
        ],
      },
      ['sources.1.table'],
    ],
    [
      'a range that holds nothing',
      { features: [{ name: 'a', type: 'double', checks: { min: 2, max: 1 } }] },
      ['features.0.checks.min'],
    ],
    [
      'checks that say nothing about the type',
      {
        features: [
          { name: 'a', type: 'string', checks: { min: 0, maxPsi: 0.2, categories: ['x'] } },
          { name: 'b', type: 'bool', checks: { maxOutlierShare: 0.1, categories: ['true'] } },
          { name: 'c', type: 'int32', checks: { min: 0, max: 0, maxOutlierShare: 0, categories: ['1'] } },
        ],
      },
      [
        'features.0.checks.min',
        'features.1.checks.maxOutlierShare',
        'features.1.checks.categories',
        'features.2.checks.categories',
      ],
    ],
    [
      'rows of somebody, not kept online',
      { online: false, features: [{ name: 'author', type: 'string', belongsTo: 'writer' }] },
      [],
    ],
    [
      'rows of somebody who is named by no key, and rows of somebody online',
      {
        features: [
          { name: 'share', type: 'double', belongsTo: 'writer' },
          { name: 'author', type: 'int64', belongsTo: 'writer' },
        ],
      },
      ['features.0.type', 'features.0.belongsTo', 'features.1.belongsTo'],
    ],
  ])('%s', (_, change, wrong) => {
    expect(fields(flawsOf(view(change)))).toEqual(wrong);
  });
});

describe('a definition and the one before', () => {
  const [count, total] = view().features as [FeatureView['features'][0], FeatureView['features'][0]];
  it.each<[string, Partial<FeatureView>, string[]]>([
    ['the same', {}, []],
    ['one more feature, in another order', { features: [total, { name: 'new', type: 'bool' }, count] }, []],
    [
      'other words, owner, tags, checks and ttl',
      {
        description: 'Other.',
        owner: 'other',
        tags: { a: 'b' },
        ttlSeconds: 0,
        features: [{ ...count, description: 'New.', checks: { min: 0 } }, total],
      },
      [],
    ],
    ['a feature removed', { features: [count] }, ['features.total']],
    ['a feature retyped', { features: [count, { name: 'total', type: 'float' }] }, ['features.total']],
    [
      'a join key retyped',
      { entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'int64' }] } },
      ['entity.joinKeys'],
    ],
    [
      'a join key more',
      {
        entity: {
          name: 'customer',
          joinKeys: [...customerAccount.entity.joinKeys, { name: 'day', type: 'int32' }],
        },
      },
      ['entity.joinKeys'],
    ],
    ['another entity', { entity: { ...customerAccount.entity, name: 'client' } }, ['entity.name']],
  ])('%s', (_, change, broken) => {
    expect(fields(breakingChanges(view(), view(change)))).toEqual(broken);
  });
});

describe('hash fields', () => {
  /** Found by trying: murmur3 of `orders:feature_<n>` is the same for both. */
  const [first, second] = ['feature_4649', 'feature_13298'] as const;
  const colliding = (name: string) => view({ features: [{ name, type: 'double' }] });

  it('collide within a view', () => {
    expect(featureField('orders', first)).toEqual(featureField('orders', second));
    const both = view({ features: [first, second].map((name) => ({ name, type: 'double' })) });
    expect(fields(sharedFields(both, []))).toEqual([`features.${second}`]);
    expect(sharedFields(colliding(first), [])).toEqual([]);
  });

  it('collide between views of the same join keys, and only of those', () => {
    const [mine, theirs] = collisionBetween('orders', 'returns');
    const other = { ...colliding(theirs), name: 'returns' };
    expect(sharedFields(colliding(mine), [other])[0]).toMatchObject({
      field: `features.${mine}`,
      found: `the hash field of returns:${theirs}`,
    });
    const elsewhere: FeatureView = {
      ...other,
      entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'int64' }] },
    };
    expect(sharedFields(colliding(mine), [elsewhere])).toEqual([]);
  });
});

it('knows the name under which another view is kept', () => {
  const second = view({ version: 2 });
  const named = view({ name: 'orders_v2' });
  expect(sharedName(second, [named])[0]?.found).toContain('orders_v2 version 1');
  expect(sharedName(named, [view(), second])[0]?.found).toContain('orders version 2');
  expect(sharedName(named, [view()])).toEqual([]);
  expect(sharedName(second, [view()])).toEqual([]);
});

/** A feature of each view such that both have the same hash field: some five among 150,000 names of each. */
function collisionBetween(one: string, other: string): [string, string] {
  const names = Array.from({ length: 150_000 }, (_, index) => `feature_${index}`);
  const field = (view: string, name: string) => featureField(view, name).readUInt32LE();
  const of = new Map(names.map((name) => [field(one, name), name]));
  const match = names.find((name) => of.has(field(other, name)))!;
  return [of.get(field(other, match))!, match];
}
