import { addDays, type Day } from '../../contracts/days';

const format = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The date in Los Angeles at that moment, as YYYY-MM-DD. */
export function pacificDate(moment: Date): Day {
  return format.format(moment);
}

/** The newest day whose raw data is all there: a day is complete at its midnight, so that it is the one before. */
export const lastCompleteDay = (moment: Date): Day => addDays(pacificDate(moment), -1);
