import type { FeatureView } from '../../contracts/model';
import type { StoredValue } from '../../platform/online-store';

type Feature = FeatureView['features'][number];
type Type = Feature['type'];

/** A value as it is stored, or what was expected in its place. */
export type CheckedValue = { value: StoredValue } | { expected: string };

const EXPECTED: Record<Type, string> = {
  string: 'text',
  bool: 'true or false',
  double: 'a finite number',
  float: 'a finite number within the range of a float (32 bits)',
  int32: 'an integer from -2147483648 to 2147483647',
  int64: 'an integer of 64 bits (beyond 2^53 as text, because a JSON number is not exact there)',
};

/**
 * Reads a pushed value (as JSON has it) in its feature's type, and holds it to the checks declared beside the feature
 * that concern one value: no null where `maxNullShare` is 0, `min`, `max`, `categories`.
 */
export function checkValue({ type, checks = {} }: Feature, given: unknown): CheckedValue {
  if (given === null)
    return checks.maxNullShare === 0 ? { expected: 'a value, never null' } : { value: null };
  const value = toStored(type, given);
  if (value === undefined) return { expected: EXPECTED[type] };
  const { min, max, categories } = checks;
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (min !== undefined && value < min) return { expected: `at least ${min}` };
    if (max !== undefined && value > max) return { expected: `at most ${max}` };
  }
  if (typeof value === 'string' && categories && !categories.includes(value))
    return { expected: `one of ${categories.join(', ')}` };
  return { value };
}

/** Undefined where it is no value of the type. */
function toStored(type: Type, given: unknown): string | number | bigint | boolean | undefined {
  switch (type) {
    case 'string':
      // Half of a surrogate pair has no UTF-8.
      return typeof given === 'string' && !/\p{Surrogate}/u.test(given) ? given : undefined;
    case 'bool':
      return typeof given === 'boolean' ? given : undefined;
    case 'double':
      // JSON says 1e999 for what a double does not hold.
      return Number.isFinite(given) ? (given as number) : undefined;
    case 'float':
      return Number.isFinite(given) && Number.isFinite(Math.fround(given as number))
        ? (given as number)
        : undefined;
    case 'int32':
      return given === (Number(given) | 0) ? given : undefined;
    case 'int64':
      return toInt64(given);
  }
}

function toInt64(given: unknown): number | bigint | undefined {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? given : undefined;
  if (typeof given !== 'string' || !/^-?\d{1,19}$/.test(given)) return undefined;
  const value = BigInt(given);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
