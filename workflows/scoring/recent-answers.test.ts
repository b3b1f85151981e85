import type { Prediction, PredictOutcome, PredictRow } from '../../contracts/scoring';
import { RecentAnswers } from './recent-answers';
import { digestOf } from './row-digest';

const answerOf = (prediction: Prediction): PredictOutcome => ({
  ok: true,
  prediction,
  model_version: 'model-v1.0.0',
  latency_ms: 1.234,
});
const rowOf = (update: number): PredictRow => ({ requestId: `request-${update}`, features: { a: update } });

const find = (recent: RecentAnswers, row: PredictRow) => recent.find(row, digestOf(row));
const remember = (recent: RecentAnswers, row: PredictRow, outcome: PredictOutcome) =>
  recent.remember(row, digestOf(row), outcome);

/** Answers updates of single rows, and returns what is kept. */
function kept(updates: number, predictionOf: (update: number) => Prediction): RecentAnswers {
  const recent = new RecentAnswers();
  for (let update = 0; update < updates; update += 1)
    remember(recent, rowOf(update), answerOf(predictionOf(update)));
  return recent;
}

describe('the answers that a scorer keeps', () => {
  it('are carried to the next run: the newest that fit a payload', () => {
    const carried = kept(5000, (update) => update).carried();
    expect(carried.length).toBeGreaterThan(500);
    expect(carried.at(-1)![0]).toBe('request-4999');
    expect(JSON.stringify(carried).length).toBeLessThan(128 * 1024);
    const next = new RecentAnswers(carried);
    expect(find(next, rowOf(4999))).toEqual(answerOf(4999));
    expect(find(next, rowOf(0))).toBeUndefined();
  });

  it('fit a payload, however many classes there are, and the newest is always among them', () => {
    const names = Array.from({ length: 500 }, (_, index) => `a class with a long name, number ${index}`);
    const scores = Object.fromEntries(names.map((name) => [name, 1.234567890123456e-7]));
    const carried = kept(50, () => ({ label: names[0]!, scores })).carried();
    expect(JSON.stringify(carried).length).toBeLessThan(128 * 1024);
    expect(carried.at(-1)![0]).toBe('request-49');
    expect(carried.length).toBeGreaterThan(1);
  });

  it('do not grow without bound within a run', () => {
    const recent = kept(60_000, (update) => update);
    expect(find(recent, rowOf(0))).toBeUndefined();
    expect(find(recent, rowOf(59_999))).toEqual(answerOf(59_999));
  });

  it('are the first for a request that is asked twice, and none of a failure', () => {
    const recent = kept(1, () => 0.5);
    remember(recent, rowOf(0), answerOf(0.7));
    expect(find(recent, rowOf(0))).toEqual(answerOf(0.5));
    const error = { code: 'InvalidFeatures' as const, message: '', fields: [], request_id: 'request-7' };
    remember(recent, rowOf(7), { ok: false, error });
    expect(find(recent, rowOf(7))).toBeUndefined();
  });

  it('are for the same request, whatever the order of its features, and for no other', () => {
    const recent = new RecentAnswers();
    remember(recent, { requestId: 'r', features: { a: 1, b: 'x' } }, answerOf(0.5));
    const next = new RecentAnswers(recent.carried());
    expect(find(next, { requestId: 'r', features: { b: 'x', a: 1 } })).toEqual(answerOf(0.5));
    for (const other of [
      { features: { a: 2, b: 'x' } },
      { entity: { a: 1, b: 'x' } },
      { features: { a: 1, b: 'x' }, explain: true },
    ])
      expect(find(next, { requestId: 'r', ...other })).toMatchObject({
        ok: false,
        error: { code: 'Conflict', request_id: 'r' },
      });
  });
});
