import type { PredictOutcome, PredictResponse, PredictRow } from '../../contracts/scoring';

const MAX_ANSWERS = 256;
/** Answers are carried in the input of the next run, and a payload has its limit: of many classes, fewer are kept. */
const MAX_CHARACTERS = 128 * 1024;

/** Keeps the answers of an update, and forgets the oldest beyond the bounds (256 numbers are about 40 KB). */
export function remember(
  rows: readonly PredictRow[],
  outcomes: readonly PredictOutcome[],
  recent: Map<string, PredictResponse>,
): void {
  rows.forEach(({ requestId }, index) => {
    const outcome = outcomes[index]!;
    if (!outcome.ok || recent.has(requestId)) return;
    const { prediction, model_version, latency_ms } = outcome;
    recent.set(requestId, { prediction, model_version, latency_ms });
  });
  let characters = 0;
  for (const [requestId, answer] of recent) characters += sizeOf(requestId, answer);
  for (const [requestId, answer] of recent) {
    if (recent.size <= MAX_ANSWERS && characters <= MAX_CHARACTERS) return;
    characters -= sizeOf(requestId, answer);
    recent.delete(requestId);
  }
}

/** An upper bound of what they take as JSON: a name and a number for each class, and what is around them. */
function sizeOf(requestId: string, { prediction }: PredictResponse): number {
  let size = 200 + requestId.length;
  if (typeof prediction === 'object')
    for (const label of Object.keys(prediction.scores)) size += label.length + 30;
  return size;
}
