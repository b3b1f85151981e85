import { ApplicationFailure } from '@temporalio/workflow';
import { MeridianError } from '../../contracts/errors';
import { parse } from '../../contracts/validate';

type Validator = Parameters<typeof parse>[0];

/**
 * The first line of every workflow: the input, checked and with its defaults filled in.
 * @throws ApplicationFailure InvalidInput, non-retryable, listing each field; the workflow ends at once.
 */
export function parseInput<T>(validate: Validator, workflow: string, value: unknown): T {
  try {
    return parse<T>(validate, workflow, value);
  } catch (error) {
    throw asFailure(error);
  }
}

/** The failure a MeridianError becomes inside a workflow; other errors as they are. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof MeridianError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: true,
    details: error.fields.length > 0 ? [error.fields] : [],
  });
}
