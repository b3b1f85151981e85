import type { QualityFinding } from '../../contracts/dataset';
import type { FeatureView } from '../../contracts/model';
import { identifier } from '../../platform/duckdb';
import { INSTANTS, isLossy, MAY_HOLD, SQL_TYPE, type TypedColumn } from '../../platform/duckdb-types';
import type { RowRule } from '../quality/rules';
import { declaredColumns } from './columns';

type Types = ReadonlyMap<string, string>;

/** What a transformation gives: exactly the declared columns. Their values are judged by `losslessRules`. */
export function computedColumns(view: FeatureView, where: string, found: Types): QualityFinding[] {
  const columns = declaredColumns(view).map(({ name }) => name);
  const lacking = columns.filter((name) => !found.has(name));
  const extra = [...found.keys()].filter((name) => !columns.includes(name));
  if (lacking.length === 0 && extra.length === 0) return [];
  const told = [
    lacking.length > 0 ? `lacks ${lacking.join(', ')}` : '',
    extra.length > 0 ? `has ${extra.join(', ')}, which nobody declared` : '',
  ];
  return [
    {
      where,
      check: 'the declared columns',
      found: told.filter(Boolean).join(' and '),
      expected: `the columns ${columns.join(', ')}`,
      examples: [],
    },
  ];
}

/**
 * What others deliver: the declared columns and `event_timestamp`, each of a type that the declared one can hold; whether
 * it holds each value is judged by `losslessRules`. Columns beside them do no harm, and nor does a column of another type
 * that holds nulls only (writers give those any type).
 * @param hasValues Whether a column holds anything but nulls.
 */
export async function deliveredColumns(
  view: FeatureView,
  where: string,
  found: Types,
  hasValues: (column: string) => Promise<boolean>,
): Promise<QualityFinding[]> {
  const wanted = [
    ...declaredColumns(view).map(({ name, type }) => ({
      name,
      expected: SQL_TYPE[type],
      holds: MAY_HOLD[type],
    })),
    { name: 'event_timestamp', expected: 'TIMESTAMP WITH TIME ZONE', holds: INSTANTS },
    ...(found.has('created_timestamp')
      ? [{ name: 'created_timestamp', expected: 'TIMESTAMP WITH TIME ZONE', holds: INSTANTS }]
      : []),
  ];
  const findings: QualityFinding[] = [];
  for (const { name, expected, holds: fits } of wanted) {
    const type = found.get(name);
    if (type !== undefined && (fits.test(type) || !(await hasValues(name)))) continue;
    findings.push({
      where,
      check: `the type of ${name}`,
      found: type === undefined ? `has no column ${name}` : `has the column ${name} as ${type}`,
      expected: type === undefined ? `${name} as ${expected}` : expected,
      examples: [],
    });
  }
  return findings;
}

/** Every value must become its declared type without loss. */
export const losslessRules = (columns: readonly TypedColumn[], found: Types): RowRule[] =>
  columns.map((column) => ({
    check: `${column.name} is a ${column.type}`,
    bad: `${identifier(column.name)} IS NOT NULL AND (${isLossy(column, found.get(column.name)!)})`,
    complaint: `have a ${column.name} that is no ${column.type}`,
    allowedShare: 0,
  }));
