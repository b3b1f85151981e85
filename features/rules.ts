import { show, type FieldProblem } from '../contracts/errors';
import { storedName } from '../contracts/feature-view';
import type { FeatureView } from '../contracts/model';
import { canBeKey } from '../contracts/ownership';
import { featureField } from '../platform/online-store/fields';

/** Views are loaded once a day. */
export const LOAD_INTERVAL_SECONDS = 24 * 3600;

/** Columns of the offline store that are no features, and those by which DuckDB tells the rows of its files apart. */
export const RESERVED_COLUMNS = [
  'event_timestamp',
  'created_timestamp',
  'dt',
  'file_index',
  'file_row_number',
  'filename',
];
/** Columns that queries of the platform add to declared ones begin with it. */
export const RESERVED_PREFIX = '__';

type Feature = FeatureView['features'][number];
type Check = keyof NonNullable<Feature['checks']>;

/** Checks that say nothing about values of a type. */
const NOT_FOR: Record<Feature['type'], readonly Check[]> = {
  string: ['min', 'max', 'maxOutlierShare'],
  bool: ['min', 'max', 'maxOutlierShare', 'categories'],
  double: ['categories'],
  float: ['categories'],
  int64: ['categories'],
  int32: ['categories'],
};

/** What is wrong with a definition in itself, beyond what its schema says. */
export function flawsOf(view: FeatureView): FieldProblem[] {
  return [
    ...nameFlaws(view),
    ...onlineFlaws(view),
    ...ownerFlaws(view),
    ...ttlFlaws(view),
    ...sourceFlaws(view),
    ...checkFlaws(view),
  ];
}

/** DuckDB, which reads and writes the offline store, does not tell `Plan` from `plan`. */
function nameFlaws({ entity, features }: FeatureView): FieldProblem[] {
  const taken = new Map(RESERVED_COLUMNS.map((name) => [name, 'a column of the offline store']));
  const problems: FieldProblem[] = [];
  const take = (field: string, name: string, as: string): void => {
    const owner = name.startsWith(RESERVED_PREFIX)
      ? `${RESERVED_PREFIX}… are columns of the platform's own`
      : name === ''
        ? 'no name'
        : taken.get(name.toLowerCase());
    if (owner) problems.push({ field, found: `${show(name)} (${owner})`, expected: 'a name of its own' });
    else taken.set(name.toLowerCase(), as);
  };
  for (const [index, { name }] of entity.joinKeys.entries())
    take(`entity.joinKeys.${index}.name`, name, 'a join key');
  for (const [index, { name }] of features.entries()) take(`features.${index}.name`, name, 'a feature');
  return problems;
}

function ttlFlaws({ ttlSeconds, push = false, transformation }: FeatureView): FieldProblem[] {
  const least = 2 * LOAD_INTERVAL_SECONDS;
  const pushedOnly = push && transformation === null;
  if (ttlSeconds === 0 || ttlSeconds >= least || pushedOnly) return [];
  const expected = `0 (unlimited) or at least ${least}, which is two daily loads: one that is late must not empty the view`;
  return [{ field: 'ttlSeconds', found: show(ttlSeconds), expected }];
}

/** What is pushed is kept online only. */
function onlineFlaws({ push = false, online = true }: FeatureView): FieldProblem[] {
  if (online || !push) return [];
  return [{ field: 'push', found: 'true', expected: 'false, as the view is not kept online' }];
}

/** Whose a row is must be known as that entity's views know it; online, nothing but a row's own join keys is known. */
function ownerFlaws({ features, online = true }: FeatureView): FieldProblem[] {
  return features.flatMap(({ type, belongsTo }, index) => {
    if (belongsTo === undefined) return [];
    const problems: FieldProblem[] = [];
    if (!canBeKey(type))
      problems.push({ field: `features.${index}.type`, found: type, expected: 'string, int64 or int32' });
    if (online) {
      const found = `${show(belongsTo)} in a view that is kept online`;
      const expected =
        'none, or `online: false`: rows are taken out of the online store by their own join keys';
      problems.push({ field: `features.${index}.belongsTo`, found, expected });
    }
    return problems;
  });
}

function sourceFlaws({ transformation, sources }: FeatureView): FieldProblem[] {
  if (transformation !== null && sources.length === 0) {
    const expected = 'the raw tables that the transformation reads, at least one';
    return [{ field: 'sources', found: 'none', expected }];
  }
  const tables = sources.map(({ table }) => table);
  return tables.flatMap((table, index) =>
    tables.indexOf(table) < index
      ? [{ field: `sources.${index}.table`, found: `${show(table)} again`, expected: 'each table once' }]
      : [],
  );
}

/** Checks that no value could pass, or that say nothing about values of the feature's type. */
function checkFlaws({ features }: FeatureView): FieldProblem[] {
  return features.flatMap(({ type, checks = {} }, index) => {
    const field = `features.${index}.checks`;
    const problems = NOT_FOR[type]
      .filter((name) => checks[name] !== undefined)
      .map((name) => ({
        field: `${field}.${name}`,
        found: show(checks[name]),
        expected: `none: it says nothing about a ${type}`,
      }));
    const { min = -Infinity, max = Infinity } = checks;
    return min <= max
      ? problems
      : [...problems, { field: `${field}.min`, found: show(min), expected: `at most max, ${max}` }];
  });
}

/** What a definition of the same version takes away or changes, so that readers of the one before would break. */
export function breakingChanges(before: FeatureView, after: FeatureView): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const keys = keysOf(before);
  if (keysOf(after) !== keys)
    problems.push({ field: 'entity.joinKeys', found: keysOf(after), expected: keys });
  if (after.entity.name !== before.entity.name)
    problems.push({
      field: 'entity.name',
      found: show(after.entity.name),
      expected: show(before.entity.name),
    });
  for (const { name, type } of before.features) {
    const now = after.features.find((feature) => feature.name === name);
    if (now?.type === type) continue;
    problems.push({ field: `features.${name}`, found: now?.type ?? 'nothing (removed)', expected: type });
  }
  return problems;
}

/**
 * Features of a view that would share a hash field in Redis with a feature of its own or of another view: 32 bits
 * collide, and Feast does not look.
 */
export function sharedFields(view: FeatureView, others: readonly FeatureView[]): FieldProblem[] {
  const owners = new Map<string, string>();
  for (const other of others.filter((one) => keysOf(one) === keysOf(view))) {
    for (const { name } of other.features) owners.set(fieldOf(other, name), `${storedName(other)}:${name}`);
  }
  const problems: FieldProblem[] = [];
  for (const { name } of view.features) {
    const field = fieldOf(view, name);
    const owner = owners.get(field);
    if (owner)
      problems.push({
        field: `features.${name}`,
        found: `the hash field of ${owner}`,
        expected: 'a name whose murmur3 hash is free',
      });
    owners.set(field, `${storedName(view)}:${name}`);
  }
  return problems;
}

/** A view that is kept under the name of another: `usage` version 2 and a view called `usage_v2`. */
export function sharedName(view: FeatureView, others: readonly FeatureView[]): FieldProblem[] {
  const name = storedName(view);
  const owner = others.find((other) => other.name !== view.name && storedName(other) === name);
  if (!owner) return [];
  const found = `${name}, where ${owner.name} version ${owner.version} is kept`;
  return [{ field: 'name', found, expected: 'a name under which no other view is kept' }];
}

const fieldOf = (view: FeatureView, feature: string): string =>
  featureField(storedName(view), feature).toString('hex');

/** Join keys with their types, in the order of a Feast key: `customer_id string, region_id int64`. */
const keysOf = ({ entity }: FeatureView): string =>
  entity.joinKeys
    .map(({ name, type }) => `${name} ${type}`)
    .sort()
    .join(', ');
