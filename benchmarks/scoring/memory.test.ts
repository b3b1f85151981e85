import { courseOf, residentMiB } from './memory';

it('compares the last fifth with the second, whatever came before and between', () => {
  const samples = [10, 50, 100, 102, 900, 300, 110, 110, 120, 122];
  expect(courseOf(samples)).toEqual({ early: 101, late: 121, peak: 900 });
});

it('takes what is left over into the last fifth', () => {
  expect(courseOf([1, 2, 3, 4, 5, 6, 7])).toEqual({ early: 2, late: 6.5, peak: 7 });
});

it('finds what this process holds, about as much as it says itself', async () => {
  const own = process.memoryUsage.rss() / 2 ** 20;
  const found = await residentMiB(process.pid);
  expect(found).toBeGreaterThan(own / 2);
  expect(found).toBeLessThan(own * 2);
});
