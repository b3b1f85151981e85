import type { PredictOutcome, PredictRow } from '../../contracts/scoring';
import { conflict, type RecentAnswers } from './recent-answers';
import { digestOf } from './row-digest';

export type AnswerRows = (rows: readonly PredictRow[]) => Promise<PredictOutcome[]>;

interface UnderWay {
  digest: string;
  outcome: Promise<PredictOutcome>;
}

/**
 * Answers rows in their order, each request ID once: rows answered a moment ago, under way in another update or twice in
 * this one get that same answer; the others are scored together.
 */
export function answerOnce(recent: RecentAnswers, score: AnswerRows): AnswerRows {
  const underWay = new Map<string, UnderWay>();

  function begin(fresh: PredictRow[]): void {
    const scored = score(fresh);
    fresh.forEach((row, index) => {
      const outcome = scored.then((outcomes) => outcomes[index]!);
      underWay.set(row.requestId, { digest: digestOf(row), outcome });
    });
  }

  async function answerOf(row: PredictRow): Promise<PredictOutcome> {
    const known = recent.find(row);
    if (known) return known;
    const { digest, outcome } = underWay.get(row.requestId)!;
    return digest === digestOf(row) ? outcome : conflict(row);
  }

  return async (rows) => {
    const fresh = new Map<string, PredictRow>();
    for (const row of rows) {
      const { requestId } = row;
      if (!recent.has(requestId) && !underWay.has(requestId) && !fresh.has(requestId))
        fresh.set(requestId, row);
    }
    if (fresh.size > 0) begin([...fresh.values()]);
    try {
      const outcomes = await Promise.all(rows.map(answerOf));
      rows.forEach((row, index) => {
        if (fresh.get(row.requestId) === row) recent.remember(row, outcomes[index]!);
      });
      return outcomes;
    } finally {
      for (const requestId of fresh.keys()) underWay.delete(requestId);
    }
  };
}
