import { validationError } from './errors';

const DEFAULT_PAGE = 10;

/** What lists filter and sort by; times in epoch milliseconds. */
export interface Listed {
  name: string;
  status: string;
  creationTime: number;
  lastModified: number;
}

/** The members that SageMaker's lists have in common; times in epoch seconds. */
export interface ListQuery {
  NextToken?: string;
  MaxResults?: number;
  NameContains?: string;
  StatusEquals?: string;
  SortBy?: string;
  SortOrder?: string;
  CreationTimeAfter?: number;
  CreationTimeBefore?: number;
  LastModifiedTimeAfter?: number;
  LastModifiedTimeBefore?: number;
}

export interface Page<T> {
  items: T[];
  NextToken?: string;
}

type Compare<T> = (a: T, b: T) => number;

export interface Listing<T> {
  listed: (item: T) => Listed;
  /** Ways to sort beside name, status and creation time. */
  orders?: Record<string, Compare<T>>;
  /** Whether StatusEquals filters a page once it was taken, so that short and empty pages are not the end. */
  filtersPages?: boolean;
}

/** One page, newest first unless asked otherwise. */
export function takePage<T>(all: T[], query: ListQuery, listing: Listing<T>): Page<T> {
  const { listed, orders = {}, filtersPages = false } = listing;
  const sign = (query.SortOrder ?? 'Descending') === 'Ascending' ? 1 : -1;
  const compare = orderOf(query.SortBy ?? 'CreationTime', listed, orders);
  const hasStatus = (item: T) => !query.StatusEquals || listed(item).status === query.StatusEquals;
  const matching = all
    .filter((item) => isInWindows(listed(item), query) && (filtersPages || hasStatus(item)))
    .sort((a, b) => sign * compare(a, b));
  const start = query.NextToken ? position(query.NextToken) : 0;
  const page = matching.slice(start, start + (query.MaxResults ?? DEFAULT_PAGE));
  const end = start + page.length;
  return { items: page.filter(hasStatus), ...(end < matching.length && { NextToken: token(end) }) };
}

function isInWindows({ name, creationTime, lastModified }: Listed, query: ListQuery): boolean {
  const after = (time: number, bound?: number) => bound === undefined || time / 1000 > bound;
  const before = (time: number, bound?: number) => bound === undefined || time / 1000 < bound;
  return (
    name.toLowerCase().includes((query.NameContains ?? '').toLowerCase()) &&
    after(creationTime, query.CreationTimeAfter) &&
    before(creationTime, query.CreationTimeBefore) &&
    after(lastModified, query.LastModifiedTimeAfter) &&
    before(lastModified, query.LastModifiedTimeBefore)
  );
}

function orderOf<T>(by: string, listed: (item: T) => Listed, orders: Record<string, Compare<T>>): Compare<T> {
  const byName: Compare<T> = (a, b) => (listed(a).name < listed(b).name ? -1 : 1);
  const byTime: Compare<T> = (a, b) => listed(a).creationTime - listed(b).creationTime || byName(a, b);
  const byStatus: Compare<T> = (a, b) => listed(a).status.localeCompare(listed(b).status) || byTime(a, b);
  return orders[by] ?? { Name: byName, Status: byStatus }[by] ?? byTime;
}

const token = (position: number): string => Buffer.from(JSON.stringify({ position })).toString('base64url');

function position(text: string): number {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as { position: number };
    if (Number.isInteger(parsed.position) && parsed.position >= 0) return parsed.position;
  } catch {
    // Told below, as every other token that this service did not give.
  }
  throw validationError('Invalid NextToken.');
}
