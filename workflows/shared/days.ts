const DAY_MS = 86_400_000;

/** Every date from the first to the last, both included, as YYYY-MM-DD; none where the first is later. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}
