const format = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The date in Los Angeles at that moment, as YYYY-MM-DD. */
export function pacificDate(moment: Date): string {
  return format.format(moment);
}
