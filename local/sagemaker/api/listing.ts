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

/** Where an item stands in an order: compared part by part. The last part is its name, so that no two stand alike. */
type Place = (string | number)[];

export interface Listing<T> {
  listed: (item: T) => Listed;
  /** Values to sort by beside name, status and creation time. */
  orders?: Record<string, (item: T) => number>;
  /** Whether StatusEquals filters a page once it was taken, so that short and empty pages are not the end. */
  filtersPages?: boolean;
  /** Whether CreationTimeAfter takes in what was created at that very time. */
  fromCreationTime?: boolean;
  /** What the query asks for that not all lists have. */
  matches?: (item: T) => boolean;
}

/**
 * One page, newest first unless asked otherwise. A token says after which item to go on: what is created or deleted
 * between two pages neither repeats nor hides another.
 */
export function takePage<T>(all: T[], query: ListQuery, listing: Listing<T>): Page<T> {
  const { listed, filtersPages = false, matches = () => true } = listing;
  const sign = (query.SortOrder ?? 'Descending') === 'Ascending' ? 1 : -1;
  const placeOf = places(query.SortBy ?? 'CreationTime', listing);
  const hasStatus = (item: T) => !query.StatusEquals || listed(item).status === query.StatusEquals;
  const after = query.NextToken === undefined ? null : placeIn(query.NextToken);
  const rest = all
    .filter((item) => isInWindows(item, query, listing) && matches(item) && (filtersPages || hasStatus(item)))
    .map((item) => ({ item, place: placeOf(item) }))
    .filter(({ place }) => after === null || sign * compare(place, after) > 0)
    .sort((a, b) => sign * compare(a.place, b.place));
  const page = rest.slice(0, query.MaxResults ?? DEFAULT_PAGE);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item).filter(hasStatus),
    ...(last && page.length < rest.length && { NextToken: token(last.place) }),
  };
}

function isInWindows<T>(item: T, query: ListQuery, { listed, fromCreationTime }: Listing<T>): boolean {
  const { name, creationTime, lastModified } = listed(item);
  const after = (time: number, bound?: number) => bound === undefined || time / 1000 > bound;
  const before = (time: number, bound?: number) => bound === undefined || time / 1000 < bound;
  const isFirst = fromCreationTime === true && creationTime / 1000 === query.CreationTimeAfter;
  return (
    name.toLowerCase().includes((query.NameContains ?? '').toLowerCase()) &&
    (isFirst || after(creationTime, query.CreationTimeAfter)) &&
    before(creationTime, query.CreationTimeBefore) &&
    after(lastModified, query.LastModifiedTimeAfter) &&
    before(lastModified, query.LastModifiedTimeBefore)
  );
}

function places<T>(by: string, { listed, orders = {} }: Listing<T>): (item: T) => Place {
  const own = orders[by];
  return (item) => {
    const { name, status, creationTime } = listed(item);
    if (own) return [own(item), name];
    if (by === 'Name') return [name];
    return by === 'Status' ? [status, creationTime, name] : [creationTime, name];
  };
}

function compare(a: Place, b: Place): number {
  if (a.length !== b.length) throw invalidToken();
  for (const [i, part] of a.entries()) {
    const other = b[i]!;
    if (typeof part !== typeof other) throw invalidToken();
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

const token = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

function placeIn(text: string): Place {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const isPart = (part: unknown) => typeof part === 'string' || typeof part === 'number';
    if (Array.isArray(parsed) && parsed.length > 0 && parsed.every(isPart)) return parsed;
  } catch {
    // Told below, as every other token that this service did not give.
  }
  throw invalidToken();
}

const invalidToken = () => validationError('Invalid NextToken.');
