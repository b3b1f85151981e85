import type { ValidateFunction } from 'ajv';
import { ErrorCode, MeridianError, type FieldProblem, problemText } from '../../../contracts/errors';
import { findProblems } from '../../../contracts/validate';

/** Enough to mend a request by; a hostile one may have a hundred thousand. */
const MAX_PROBLEMS = 50;

/** @throws InvalidInput naming what in the body the schema does not allow */
export function checkBody<Body>(validate: ValidateFunction, body: unknown): Body {
  const problems = findProblems(validate, body);
  if (problems.length > 0) throw invalidInput(problems);
  return body as Body;
}

export function invalidInput(problems: readonly FieldProblem[]): MeridianError {
  const fields = problems.slice(0, MAX_PROBLEMS);
  const text = fields.map(problemText);
  if (problems.length > fields.length) text.push(`and ${problems.length - fields.length} more`);
  return new MeridianError(ErrorCode.InvalidInput, `${text.join('; ')}.`, fields);
}
