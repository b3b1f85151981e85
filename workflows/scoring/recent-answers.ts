import { ErrorCode } from '../../contracts/errors';
import type { CarriedAnswer, PredictOutcome, PredictResponse, PredictRow } from '../../contracts/scoring';

/** What a run keeps in memory; at the usual size of an answer more than it can give before it starts anew. */
const KEPT_CHARACTERS = 4 * 1024 * 1024;
/** Answers are carried in the input of the next run, and a payload has its limit: about 900 numbers, fewer of many classes. */
const CARRIED_CHARACTERS = 128 * 1024;

interface Answered {
  answer: PredictResponse;
  /** Of what was asked; unknown of answers carried from a run that kept none. */
  digest: string | undefined;
  characters: number;
}

/** The newest answers, so that a request ID asked again is answered alike. Failures are not kept: trying again may help. */
export class RecentAnswers {
  private readonly byId = new Map<string, Answered>();
  private characters = 0;

  constructor(carried: readonly CarriedAnswer[] = []) {
    for (const [requestId, answer, digest] of carried) this.keep(requestId, answer, digest);
  }

  /** What this row was answered; Conflict where its request ID stands for another row; undefined where it is new. */
  find(row: PredictRow, digest: string): PredictOutcome | undefined {
    const known = this.byId.get(row.requestId);
    if (!known) return undefined;
    if (known.digest !== undefined && known.digest !== digest) return conflict(row);
    return { ok: true, ...known.answer };
  }

  /** The first answer to a request ID stands. */
  remember({ requestId }: PredictRow, digest: string, outcome: PredictOutcome): void {
    if (!outcome.ok || this.byId.has(requestId)) return;
    const { ok: _ok, ...answer } = outcome;
    this.keep(requestId, answer, digest);
  }

  /** The newest, as the next run takes them. */
  carried(): CarriedAnswer[] {
    const newest: CarriedAnswer[] = [];
    let characters = 0;
    for (const [requestId, answered] of [...this.byId].toReversed()) {
      characters += answered.characters;
      if (characters > CARRIED_CHARACTERS && newest.length > 0) break;
      newest.push([requestId, answered.answer, answered.digest]);
    }
    return newest.toReversed();
  }

  private keep(requestId: string, answer: PredictResponse, digest: string | undefined): void {
    const characters = sizeOf(requestId, answer);
    this.byId.set(requestId, { answer, digest, characters });
    this.characters += characters;
    for (const [oldest, answered] of this.byId) {
      if (this.characters <= KEPT_CHARACTERS) return;
      this.byId.delete(oldest);
      this.characters -= answered.characters;
    }
  }
}

/** A request ID stands for one request: another one under it would get an answer that is not its own. */
export function conflict({ requestId }: PredictRow): PredictOutcome {
  const expected = 'a request ID of its own';
  const found = 'one that stands for another request';
  return {
    ok: false,
    error: {
      code: ErrorCode.Conflict,
      message: `requestId: expected ${expected}, found ${found}.`,
      fields: [{ field: 'requestId', found, expected }],
      request_id: requestId,
    },
  };
}

/** An upper bound of what they take as JSON: a name and a number for each class or feature, and what is around them. */
function sizeOf(requestId: string, { prediction, explanation }: PredictResponse): number {
  let size = 140 + requestId.length;
  if (typeof prediction === 'object') size += sizeOfNumbers(prediction.scores);
  if (explanation) size += 60 + sizeOfNumbers(explanation.contributions);
  return size;
}

function sizeOfNumbers(numbers: Record<string, number>): number {
  let size = 0;
  for (const name of Object.keys(numbers)) size += name.length + 30;
  return size;
}
