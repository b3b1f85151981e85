import type { FeatureView } from '../contracts/model';
import { identifier, type Database } from './duckdb';

export type FeatureType = FeatureView['features'][number]['type'];

/** A column as it is declared. */
export interface TypedColumn {
  name: string;
  type: FeatureType;
}

/** DuckDB's type of each declared type (string, int32 and int64 for join keys as well). */
export const SQL_TYPE: Record<FeatureType, string> = {
  double: 'DOUBLE',
  float: 'FLOAT',
  int64: 'BIGINT',
  int32: 'INTEGER',
  bool: 'BOOLEAN',
  string: 'VARCHAR',
};

const INTEGERS = 'U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)';
const NUMBERS = `${INTEGERS}|DOUBLE|FLOAT|DECIMAL\\(.*\\)`;

const whole = (types: string): RegExp => new RegExp(`^(${types})$`);

/** DuckDB types of which a declared type holds every value that can be cast to it. */
export const HOLDS: Record<FeatureType, RegExp> = {
  string: whole('VARCHAR'),
  bool: whole('BOOLEAN'),
  int32: whole(INTEGERS),
  int64: whole(INTEGERS),
  double: whole(NUMBERS),
  float: whole(NUMBERS),
};

/**
 * The same and more: types whose values may be those of the declared type, which `isLossy` tells one by one. Integers with
 * nulls among them come out of pandas as doubles.
 */
export const MAY_HOLD: Record<FeatureType, RegExp> = {
  ...HOLDS,
  int32: whole(NUMBERS),
  int64: whole(NUMBERS),
};

/** Types of instants; those without a zone are taken as UTC. */
export const INSTANTS = /^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/;

const NO_TEXT = /\[|^(STRUCT|MAP|UNION|BLOB|BIT)/;
/** Beyond it, a value may stand for another integer than was meant: 2^53 + 1 becomes the double 2^53. */
const MOST_EXACT = new Map([
  ['DOUBLE', 2 ** 53 - 1],
  ['FLOAT', 2 ** 24 - 1],
]);

/**
 * SQL condition: the value cannot become one of the declared type without loss: 3.7 is no int32, and 2 is no bool. (A
 * double may be rounded to a float, and an integer to a double: that is what those types are.)
 * @param found DuckDB's type of the column.
 */
export function isLossy({ name, type }: TypedColumn, found: string): string {
  const value = identifier(name);
  const cast = `TRY_CAST(${value} AS ${SQL_TYPE[type]})`;
  const refused = `${cast} IS NULL`;
  // Text of a list, a record or bytes is no value that anybody meant.
  if (type === 'string') return NO_TEXT.test(found) ? 'true' : refused;
  if (type === 'double' || type === 'float' || found === SQL_TYPE[type]) return refused;
  if (found === 'VARCHAR' && type === 'bool') return refused;
  // Text is compared as a number: "007" is 7, but "3.7" is not 4.
  const exact = found === 'VARCHAR' ? 'DECIMAL(38, 10)' : found;
  const changed = `TRY_CAST(${cast} AS ${exact}) IS DISTINCT FROM TRY_CAST(${value} AS ${exact})`;
  const most = MOST_EXACT.get(found);
  const ambiguous = most === undefined ? '' : ` OR abs(${value}) > ${most}`;
  return `${refused} OR ${changed}${ambiguous}`;
}

/** The declared columns of a table, cast to their declared types. */
export const castColumns = (columns: readonly TypedColumn[]): string[] =>
  columns.map(({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`);

/** DuckDB's type of each column of a table (or of `read_parquet(…)`), by name. */
export const columnTypes = async (database: Database, from: string): Promise<Map<string, string>> =>
  new Map(
    (await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${from}`)).map(
      ({ column_name, column_type }) => [column_name, column_type],
    ),
  );

export const columnNames = async (database: Database, table: string): Promise<string[]> => [
  ...(await columnTypes(database, identifier(table))).keys(),
];
