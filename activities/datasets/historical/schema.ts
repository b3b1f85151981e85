import { MeridianError, type ErrorCode, type FieldProblem } from '../../../contracts/errors';

/** Types of instants; those without a zone are taken as UTC. */
export const TIMES = /^(TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?|DATE)$/;

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
