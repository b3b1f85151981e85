import { MeridianError, type ErrorCode, type FieldProblem } from '../../../contracts/errors';
import type { FeatureView } from '../../../contracts/model';

const INTEGERS = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/;
const NUMBERS = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DOUBLE|FLOAT|DECIMAL\(.*\))$/;

/** Types of instants; those without a zone are taken as UTC. */
export const TIMES = /^(TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?|DATE)$/;

/** DuckDB types whose values a declared type can hold. */
export const HOLDS: Record<FeatureView['features'][number]['type'], RegExp> = {
  string: /^VARCHAR$/,
  bool: /^BOOLEAN$/,
  int32: INTEGERS,
  int64: INTEGERS,
  double: NUMBERS,
  float: NUMBERS,
};

/** One column that does not fit, as an error about the thing that has it. */
export function misfit(
  code: ErrorCode,
  thing: string,
  field: string,
  found: string,
  expected: string,
  advice: string,
): MeridianError {
  const problem: FieldProblem = { field, found, expected };
  return new MeridianError(code, `${thing}: found ${found}, expected ${expected}. ${advice}`, [problem]);
}
