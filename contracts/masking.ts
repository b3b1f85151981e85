import { createHmac } from 'node:crypto';
import { show } from './errors';
import type { FeatureView } from './model';

/** Stands in for a value that people must not see: `•3fa91c02`. */
export type Mask = (value: unknown) => string;

/** Hex digits of the hash that are shown: enough to tell two entities of one incident apart, too few to prove one. */
const DIGITS = 8;

/**
 * A mask with a key of its own (HMAC-SHA256). Equal values have equal masks under one key, so that whoever is on call can
 * follow an entity from a log line to a capture to a report. Without the key nobody finds a value by masking every
 * candidate; with it, or where a column has only a few values, that is possible: a mask hides values from people, and
 * does not make data anonymous. 1001, 1001n and "1001" are one entity and have one mask; null hides nothing and stays.
 */
export function createMask(key: string): Mask {
  return (value) => {
    if (value === null || value === undefined) return 'null';
    // An object is no value of any column; a hostile one may be deeper than JSON goes.
    const text = typeof value === 'object' ? show(value) : String(value);
    return `•${createHmac('sha256', key).update(text).digest('hex').slice(0, DIGITS)}`;
  };
}

const KEY_VARIABLE = 'MERIDIAN_MASKING_KEY';
let platformMask: Mask | undefined;

/**
 * The platform's mask. Its key is `MERIDIAN_MASKING_KEY`, the same in every process, read at the first use; where it is
 * not set, values are hidden from the eye only (`unkeyedMaskWarning`). Not to be had in workflows: their sandbox knows no
 * node:crypto.
 */
export const mask: Mask = (value) =>
  (platformMask ??= createMask(process.env[KEY_VARIABLE] || 'meridian'))(value);

/** What a process without a key says when it starts; null where it has one. */
export const unkeyedMaskWarning = (env: Readonly<Record<string, string | undefined>>): string | null =>
  env[KEY_VARIABLE]
    ? null
    : `${KEY_VARIABLE}: expected a secret, found nothing. Personal values are masked under a key that everybody knows: ` +
      'whoever sees a mask can find its value by trying candidates. Set it to one secret in every process.';

/** The columns of these views that are personal: join keys and features. */
export const personalColumns = (
  ...views: readonly Pick<FeatureView, 'entity' | 'features'>[]
): ReadonlySet<string> =>
  new Set(
    views
      .flatMap(({ entity, features }) => [...entity.joinKeys, ...features])
      .filter(({ personal }) => personal === true)
      .map(({ name }) => name),
  );

/** A value of a column as people may see it: in error messages, findings and reports. */
export const showColumn = (column: string, value: unknown, personal: ReadonlySet<string>): string =>
  personal.has(column) ? mask(value) : show(value);

/** The same record with the values of its personal columns masked. */
export const maskColumns = (
  record: Readonly<Record<string, unknown>>,
  personal: ReadonlySet<string>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).map(([column, value]) => [column, personal.has(column) ? mask(value) : value]),
  );

/** An entity in words: `customer_id=C000017, region=7`, masked where personal. */
export const showEntity = (
  entity: Readonly<Record<string, unknown>>,
  personal: ReadonlySet<string>,
): string =>
  Object.entries(maskColumns(entity, personal))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');
