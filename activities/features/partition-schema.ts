import type { QualityFinding } from '../../contracts/dataset';
import type { FeatureView } from '../../contracts/model';
import { identifier } from '../../platform/duckdb';
import type { RowRule } from '../quality/rules';
import { declaredColumns, SQL_TYPE } from './columns';

type Declared = ReturnType<typeof declaredColumns>[number];
type Types = ReadonlyMap<string, string>;

const INTEGERS = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const REALS = /^(DOUBLE|FLOAT|DECIMAL\(.*\))$/;
const NO_TEXT = /\[|^(STRUCT|MAP|UNION|BLOB|BIT)/;
const TIMES = /^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/;

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
 * What others deliver: the declared columns and `event_timestamp`, each of a type that the declared one can hold. Columns
 * beside them do no harm, and nor does a column of another type that holds nulls only (writers give those any type).
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
      holds: holds(type),
    })),
    { name: 'event_timestamp', expected: 'TIMESTAMP WITH TIME ZONE', holds: TIMES },
    ...(found.has('created_timestamp')
      ? [{ name: 'created_timestamp', expected: 'TIMESTAMP WITH TIME ZONE', holds: TIMES }]
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

/** Types that a declared type can hold, value by value (`losslessRules`). */
function holds(type: Declared['type']): RegExp {
  if (type === 'string') return /^VARCHAR$/;
  if (type === 'bool') return /^BOOLEAN$/;
  if (type === 'int32' || type === 'int64') return INTEGERS;
  return new RegExp(`${REALS.source}|${INTEGERS.source}`);
}

/**
 * Every value must become its declared type without loss: 3.7 is no int32, and 2 is no bool. (A double may be rounded to
 * a float, and an integer to a double: that is what those types are.)
 */
export const losslessRules = (columns: readonly Declared[], found: Types): RowRule[] =>
  columns.map((column) => ({
    check: `${column.name} is a ${column.type}`,
    bad: `${identifier(column.name)} IS NOT NULL AND (${lossy(column, found.get(column.name)!)})`,
    complaint: `have a ${column.name} that is no ${column.type}`,
    allowedShare: 0,
  }));

function lossy({ name, type }: Declared, found: string): string {
  const value = identifier(name);
  const cast = `TRY_CAST(${value} AS ${SQL_TYPE[type]})`;
  const refused = `${cast} IS NULL`;
  // Text of a list, a record or bytes is no value that anybody meant.
  if (type === 'string') return NO_TEXT.test(found) ? 'true' : refused;
  if (type === 'double' || type === 'float' || found === SQL_TYPE[type]) return refused;
  if (found === 'VARCHAR' && type === 'bool') return refused;
  // Text is compared as a number: "007" is 7, but "3.7" is not 4.
  const exact = found === 'VARCHAR' ? 'DECIMAL(38, 10)' : found;
  return `${refused} OR TRY_CAST(${cast} AS ${exact}) IS DISTINCT FROM TRY_CAST(${value} AS ${exact})`;
}
