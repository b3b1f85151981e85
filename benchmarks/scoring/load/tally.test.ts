import { Tally } from './tally';

const now = (): number => performance.timeOrigin + performance.now();

it('counts no call that began before, whenever it ended, and tells of those that failed', () => {
  const begin = now() - 1000;
  const tally = new Tally(begin, 1);
  tally.add(begin - 1, false, 'warming up');
  tally.add(begin, true, '');
  tally.add(begin + 400, false, '429: too much');
  const answer = tally.answer();
  expect(answer).toMatchObject({ begin, seconds: 1, failed: 1, failures: ['429: too much'] });
  expect(answer.took).toHaveLength(2);
  expect([...answer.ok]).toEqual([1, 0]);
  expect(answer.took[0]! - answer.took[1]!).toBeGreaterThan(300);
});

it('counts a call that was given up with the time it has taken so far', () => {
  const begin = now() - 1000;
  const tally = new Tally(begin, 1);
  tally.giveUp(begin - 1);
  tally.giveUp(begin + 100);
  const answer = tally.answer();
  expect(answer).toMatchObject({ failed: 0, unanswered: 1 });
  expect(answer.took[0]).toBeGreaterThan(800);
});
