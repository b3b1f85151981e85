import type { PredictOutcome, PredictRow } from '../../contracts/scoring';
import { conflict, type RecentAnswers } from './recent-answers';
import { digestOf } from './row-digest';

export type AnswerRows = (rows: readonly PredictRow[]) => Promise<PredictOutcome[]>;

interface Asked {
  row: PredictRow;
  digest: string;
}

/** Rows that are scored together. */
interface Scoring {
  outcomes: PredictOutcome[];
  over: Promise<void>;
}

/** A row that is being scored: it is the one at the index of a scoring. */
interface UnderWay {
  digest: string;
  scoring: Scoring;
  index: number;
}

/** Where a row's answer comes from: it stands already, or will. */
type Source = { outcome: PredictOutcome } | UnderWay;

/**
 * Answers rows in their order, each request ID once: rows answered a moment ago, under way in another update or twice in
 * this one get that same answer; the others are scored together. Promises are one an update, not one a row: the SDK writes down
 * where each was made.
 */
export function answerOnce(recent: RecentAnswers, score: AnswerRows): AnswerRows {
  const underWay = new Map<string, UnderWay>();

  function sourceOf(row: PredictRow, digest: string): Source | null {
    const known = recent.find(row, digest);
    if (known) return { outcome: known };
    const other = underWay.get(row.requestId);
    if (!other) return null;
    return other.digest === digest ? other : { outcome: conflict(row) };
  }

  async function carryOut(scoring: Scoring, fresh: readonly Asked[]): Promise<void> {
    scoring.outcomes = await score(fresh.map(({ row }) => row));
  }

  return async (rows) => {
    const fresh: Asked[] = [];
    const scoring: Scoring = { outcomes: [], over: Promise.resolve() };
    const sources = rows.map((row) => {
      const digest = digestOf(row);
      const source = sourceOf(row, digest);
      if (source) return source;
      const own = { digest, scoring, index: fresh.length };
      underWay.set(row.requestId, own);
      fresh.push({ row, digest });
      return own;
    });
    try {
      if (fresh.length > 0) scoring.over = carryOut(scoring, fresh);
      await allOver(new Set(sources.flatMap((source) => ('scoring' in source ? [source.scoring.over] : []))));
      fresh.forEach(({ row, digest }, index) => recent.remember(row, digest, scoring.outcomes[index]!));
      return sources.map((source) =>
        'scoring' in source ? source.scoring.outcomes[source.index]! : source.outcome,
      );
    } finally {
      for (const { row } of fresh) underWay.delete(row.requestId);
    }
  };
}

/** Waits for all, also where one has failed: rows still under way must not be scored again. */
async function allOver(scorings: Iterable<Promise<void>>): Promise<void> {
  for (const outcome of await Promise.allSettled(scorings))
    if (outcome.status === 'rejected') throw outcome.reason;
}
