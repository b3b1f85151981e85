import { limit } from './concurrency';

it('lets as many calls run at a time as it is told to, and all of them in the end', async () => {
  const limited = limit(3);
  let running = 0;
  let most = 0;
  const call = (index: number) => async (): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (index === 4) throw new Error('one fails');
    return index;
  };
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => limited(call(index))));
  expect(most).toBe(3);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(19);
});
