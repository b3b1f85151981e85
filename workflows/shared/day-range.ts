import { daysBetween, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { asFailure } from './input';

/**
 * The days that a workflow's input asks for, both included.
 * @throws ApplicationFailure InvalidInput where there is none
 */
export function daysOf(workflow: string, from: Day, date: Day): Day[] {
  const days = daysBetween(from, date);
  if (days.length > 0) return days;
  const expected = `a date no later than ${date}`;
  throw asFailure(
    new MeridianError(
      ErrorCode.InvalidInput,
      `${workflow}: from: expected ${expected}, found ${show(from)}. Nothing was done. Start again with a corrected input.`,
      [{ field: 'from', found: show(from), expected }],
    ),
  );
}
