import * as fc from 'fast-check';
import { takePage, type ListQuery, type Listed } from './listing';

const job = (number: number, status = 'Completed'): Listed => ({
  name: `job-${String(number).padStart(3, '0')}`,
  status,
  creationTime: 1000 * Math.floor(number / 3),
  lastModified: 0,
});
const listing = { listed: (item: Listed) => item };

/** All pages; `between` may change what there is after each. */
function pages(
  start: Listed[],
  query: ListQuery,
  between = (all: Listed[], _page: Listed[]) => all,
): string[] {
  let all = start;
  const found: string[] = [];
  for (let NextToken: string | undefined; ;) {
    const page = takePage(all, { ...query, ...(NextToken && { NextToken }) }, listing);
    found.push(...page.items.map(({ name }) => name));
    if (!page.NextToken) return found;
    ({ NextToken } = page);
    all = between(all, page.items);
  }
}

describe('takePage', () => {
  const sorts = fc.record({
    SortBy: fc.constantFrom('Name', 'CreationTime', 'Status'),
    SortOrder: fc.constantFrom('Ascending', 'Descending'),
    MaxResults: fc.integer({ min: 1, max: 7 }),
  });
  const statuses = fc.array(fc.constantFrom('Completed', 'Failed', 'Stopped'), { maxLength: 20 });

  it('gives every item once, in the order of a single page', () => {
    fc.assert(
      fc.property(statuses, sorts, (list, query) => {
        const all = list.map((status, i) => job(i, status));
        expect(pages(all, query)).toEqual(pages(all, { ...query, MaxResults: 100 }));
      }),
    );
  });

  it('neither repeats nor skips one where others come and go between two pages', () => {
    fc.assert(
      fc.property(statuses, sorts, (list, query) => {
        const all = list.map((status, i) => job(i, status));
        let made = 500;
        const found = pages(all, query, (now, page) => [
          ...now.filter((item) => item.name !== page.at(-1)?.name),
          ...(made < 520 ? [job((made += 1))] : []),
        ]);
        expect(found.filter((name) => name < 'job-500').toSorted()).toEqual(all.map(({ name }) => name));
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });

  it.each(['made up', 'e30', 'W10', 'bnVsbA', 'WzEsMiwzLDRd', 'WyJhIiwiYiJd'])(
    'refuses the token %s',
    (NextToken) => {
      expect(() => takePage([job(1)], { NextToken }, listing)).toThrow('Invalid NextToken.');
    },
  );

  it('takes a window’s start in or leaves it out', () => {
    const query = { CreationTimeAfter: 1, SortOrder: 'Ascending' };
    const names = (fromCreationTime: boolean) =>
      takePage([job(3), job(6)], query, { ...listing, fromCreationTime }).items.map(({ name }) => name);
    expect(names(true)).toEqual(['job-003', 'job-006']);
    expect(names(false)).toEqual(['job-006']);
  });
});
