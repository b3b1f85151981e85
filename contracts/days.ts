import { ErrorCode, MeridianError, show } from './errors';

/** A calendar day, `YYYY-MM-DD`. */
export type Day = string;

/** Milliseconds of a day in UTC, which has no clock changes. */
export const DAY_MS = 86_400_000;

/** @throws MeridianError InvalidInput where the text is no day of the calendar. */
export function dayToEpochMs(day: Day): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== day) {
    throw new MeridianError(ErrorCode.InvalidInput, `Expected a day YYYY-MM-DD, found ${show(day)}.`);
  }
  return ms;
}

export const addDays = (day: Day, days: number): Day =>
  new Date(dayToEpochMs(day) + days * DAY_MS).toISOString().slice(0, 10);

/** Every day from the first to the last, both included; none where the first is later. */
export function daysBetween(first: Day, last: Day): Day[] {
  const count = (dayToEpochMs(last) - dayToEpochMs(first)) / DAY_MS + 1;
  return daysEndingWith(last, Math.max(count, 0));
}

/** The `count` days that end with `last`, oldest first. */
export const daysEndingWith = (last: Day, count: number): Day[] =>
  Array.from({ length: count }, (_, index) => addDays(last, index + 1 - count));

/**
 * When all of a day's data is known: midnight UTC at its end. It is the event time of the day's features and of an
 * observation made on it, so that a join sees the whole day and nothing of the next.
 */
export const endOfDay = (day: Day): string => `${addDays(day, 1)}T00:00:00Z`;
