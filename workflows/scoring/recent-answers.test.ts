import type { Prediction, PredictResponse } from '../../contracts/scoring';
import { remember } from './recent-answers';

/** Answers updates of single rows, and returns what is kept. */
function kept(updates: number, predictionOf: (update: number) => Prediction): Map<string, PredictResponse> {
  const recent = new Map<string, PredictResponse>();
  for (let update = 0; update < updates; update += 1) {
    const answer = { prediction: predictionOf(update), model_version: 'm-v1.0.0', latency_ms: 1.234 };
    remember([{ requestId: `request-${update}` }], [{ ok: true, ...answer }], recent);
  }
  return recent;
}

describe('the answers that a scorer keeps', () => {
  it('are the newest 256 numbers', () => {
    const ids = [...kept(300, (update) => update).keys()];
    expect(ids).toHaveLength(256);
    expect([ids[0], ids.at(-1)]).toEqual(['request-44', 'request-299']);
  });

  it('fit a payload, however many classes there are, and the newest is always among them', () => {
    const names = Array.from({ length: 500 }, (_, index) => `a class with a long name, number ${index}`);
    const scores = Object.fromEntries(names.map((name) => [name, 1.234567890123456e-7]));
    const recent = kept(50, () => ({ label: names[0]!, scores }));
    expect(JSON.stringify([...recent]).length).toBeLessThan(128 * 1024);
    expect([...recent.keys()].at(-1)).toBe('request-49');
    expect(recent.size).toBeGreaterThan(1);
  });

  it('are the first for a request that is asked twice, and none of a failure', () => {
    const recent = kept(1, () => 0.5);
    const again = { ok: true as const, prediction: 0.7, model_version: 'm-v1.1.0', latency_ms: 1 };
    const failure = {
      ok: false as const,
      error: { code: 'InvalidFeatures' as const, message: '', fields: [], request_id: 'bad' },
    };
    remember([{ requestId: 'request-0' }, { requestId: 'bad' }], [again, failure], recent);
    expect([...recent].map(([id, { prediction }]) => [id, prediction])).toEqual([['request-0', 0.5]]);
  });
});
