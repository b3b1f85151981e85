import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { ErrorCode } from '../../contracts/errors';
import { validateScoreRows, validateScorerInput } from '../../contracts/generated/validators';
import type { ScoreBatchRequest, ScoreBatchResult, ScorerInput } from '../../contracts/scoring';
import { SearchAttribute } from '../../contracts/search-attributes';
import { parseInput } from '../shared/input';
import { predictRows } from './activities';
import { answerOnce } from './answer-once';
import { withoutDepth } from './flat-row';
import { RecentAnswers } from './recent-answers';

const predictUpdate = defineUpdate<ScoreBatchResult, [ScoreBatchRequest]>('predict');

/**
 * Latency grows with the updates in a run, and so does the time another worker takes to replay it after a kill: 5 ms each on a
 * busy machine, all scorers of the dead worker at once, each within its workflow task timeout.
 */
const MAX_UPDATES = 48;
const MAX_HISTORY_BYTES = 4 * 1024 * 1024;
/** An update is written down with its answer: beyond this, both together are more than the server takes, and the run would hang. */
const MAX_REQUEST_CHARACTERS = 1_250_000;
const IDLE = '15 minutes';

/**
 * Answers the predictions of one shard of a model's callers: many rows in one update. Rotates early (continue-as-new),
 * and ends when nobody has called for a while; the next call starts it again (update-with-start).
 */
export async function scorer(rawInput: ScorerInput): Promise<void> {
  const input = parseInput<ScorerInput>(validateScorerInput, 'scorer', rawInput);
  const { model } = input;
  const recent = new RecentAnswers(input.recent);
  const answer = answerOnce(recent, (rows) => predictRows(model, [...rows]));
  let updates = 0;

  /** Whether the run has reached its bounds, or a multiple of them. */
  const reached = (multiple: number): boolean =>
    updates >= multiple * MAX_UPDATES || workflowInfo().historySize >= multiple * MAX_HISTORY_BYTES;
  const due = (): boolean => reached(1);

  upsertSearchAttributes([{ key: SearchAttribute.model, value: model }]);
  setCurrentDetails(
    `Answers predictions of **${model}**, many rows in one update \`predict\`. Starts anew every ${MAX_UPDATES} ` +
      `updates and ends after ${IDLE} without a call; the next call starts it again.`,
  );

  function check(request: ScoreBatchRequest): void {
    checkRows(request);
    // Rotation waits for what is under way; calls that never pause must not put it off for ever.
    if (reached(2)) throw rotating(model);
  }

  // Last, since an update that waits already is validated while the handler is being set.
  setHandler(
    predictUpdate,
    async ({ rows }) => {
      updates += 1;
      return { outcomes: await answer(rows.map(withoutDepth)) };
    },
    { validator: check, description: 'Scores rows: {"rows": [{"requestId": "…", "features": {…}}]}' },
  );

  for (let seen = -1; seen !== updates && !due();) {
    seen = updates;
    await condition(due, IDLE);
  }
  await condition(allHandlersFinished);
  if (due()) await continueAsNew<typeof scorer>({ ...input, recent: recent.carried() });
}

function rotating(model: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: ErrorCode.Overloaded,
    message: `This scorer of ${model} is about to start anew. Send the update again.`,
  });
}

function checkRows(request: ScoreBatchRequest): void {
  if (lengthOf(request) > MAX_REQUEST_CHARACTERS) {
    throw ApplicationFailure.nonRetryable(
      `update predict: expected at most ${MAX_REQUEST_CHARACTERS} characters of JSON, nested no deeper than JSON can be ` +
        'written. Send fewer rows in an update.',
      ErrorCode.BodyTooLarge,
    );
  }
  // The compiled check alone is quick; the copy that parse makes is for the error's sake.
  if (!validateScoreRows(request)) parseInput(validateScoreRows, 'update predict', request);
}

function lengthOf(request: unknown): number {
  try {
    return JSON.stringify(request)?.length ?? 0;
  } catch {
    // Nested deeper than the stack.
    return Number.POSITIVE_INFINITY;
  }
}
