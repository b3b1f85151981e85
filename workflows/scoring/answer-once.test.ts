import type { PredictOutcome, PredictRow } from '../../contracts/scoring';
import { answerOnce } from './answer-once';
import { RecentAnswers } from './recent-answers';

const row = (requestId: string, a = 1): PredictRow => ({ requestId, features: { a } });

/** A scoring that answers each row with another number, when told to. */
function rig() {
  const scored: string[][] = [];
  const release: (() => void)[] = [];
  let answers = 0;
  const answer = answerOnce(new RecentAnswers(), (rows) => {
    scored.push(rows.map(({ requestId }) => requestId));
    return new Promise((resolve) => release.push(() => resolve(rows.map(next))));
  });
  const next = (): PredictOutcome => ({
    ok: true,
    prediction: (answers += 1),
    model_version: 'model-v1.0.0',
    latency_ms: 1,
  });
  return { answer, scored, release: () => release.splice(0).forEach((one) => one()) };
}

const numbers = (outcomes: PredictOutcome[]) =>
  outcomes.map((one) => (one.ok ? one.prediction : one.error.code));

describe('answerOnce', () => {
  it('scores a request ID once: in one update, in two at a time, and afterwards', async () => {
    const { answer, scored, release } = rig();
    const first = answer([row('a'), row('b'), row('a')]);
    const second = answer([row('b'), row('c')]);
    release();
    expect(numbers(await first)).toEqual([1, 2, 1]);
    expect(numbers(await second)).toEqual([2, 3]);
    expect(numbers(await answer([row('c'), row('a')]))).toEqual([3, 1]);
    expect(scored).toEqual([['a', 'b'], ['c']]);
  });

  it('refuses a request ID that stands for another row: in one update, in two at a time, and afterwards', async () => {
    const { answer, scored, release } = rig();
    const first = answer([row('a'), row('a', 2)]);
    const second = answer([row('a', 3)]);
    release();
    expect(numbers(await first)).toEqual([1, 'Conflict']);
    expect(numbers(await second)).toEqual(['Conflict']);
    expect(numbers(await answer([row('a', 4)]))).toEqual(['Conflict']);
    expect(scored).toEqual([['a']]);
  });

  it('scores again where scoring failed', async () => {
    let fails = true;
    const answer = answerOnce(new RecentAnswers(), async (rows) => {
      if (fails) throw new Error('the process is gone');
      return rows.map(() => ({ ok: true, prediction: 0.5, model_version: 'model-v1.0.0', latency_ms: 1 }));
    });
    await expect(answer([row('a')])).rejects.toThrow('gone');
    fails = false;
    expect(numbers(await answer([row('a')]))).toEqual([0.5]);
  });
});
