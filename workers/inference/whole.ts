import { MeridianError } from '../../contracts/errors';
import type { PredictOutcome, PredictResponse } from '../../contracts/scoring';

/**
 * The answers of all rows, for protocols that know no error of a single one.
 * @throws the error of the first row that has one, saying which row it is
 */
export function requireAll(outcomes: readonly PredictOutcome[]): PredictResponse[] {
  return outcomes.map((outcome, row) => {
    if (outcome.ok) return outcome;
    const { code, message, fields } = outcome.error;
    const where = outcomes.length > 1 ? `Row ${row}: ` : '';
    throw new MeridianError(code, where + message, fields);
  });
}
