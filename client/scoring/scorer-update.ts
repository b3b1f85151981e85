import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { ErrorCode, MeridianError, type FieldProblem } from '../../contracts/errors';
import { WorkflowId } from '../../contracts/ids';
import type {
  PredictOutcome,
  PredictRow,
  ScoreBatchRequest,
  ScoreBatchResult,
  ScorerInput,
} from '../../contracts/scoring';
import { TaskQueue } from '../../contracts/task-queues';
import type { Reach } from './deadline';

/** gRPC status codes: the call did not go wrong by its own fault, and may be made again. */
const DEADLINE_EXCEEDED = 4;
const TRANSIENT: ReadonlySet<number> = new Set([1, DEADLINE_EXCEEDED, 5, 8, 9, 10, 13, 14]);

/** Types of failure that say: the scorer goes, and the next one will answer. */
const ENDING: ReadonlySet<string> = new Set([
  'AcceptedUpdateCompletedWorkflow',
  'UnprocessedUpdate',
  ErrorCode.Overloaded,
]);

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;
/**
 * One attempt: a connection may be dead without saying so. The update itself goes on, and the next attempt joins it.
 * Attempts of 1 s were no better when a worker was killed, rather worse.
 */
const ATTEMPT_MS = { least: 250, most: 3_000 };
const LOOK_MS = 500;

/** Where rows go. */
export interface Target {
  client: Client;
  model: string;
  shard: number;
  /** What is found out on the way about whether Temporal can be reached. */
  reach: Reach;
}

/**
 * Sends rows to a scorer in one update, starting the scorer where it does not run. A call that is lost on the way (a
 * worker killed, a scorer that rotated meanwhile) is made again under the same update ID; answered request IDs are
 * answered alike.
 * @param deadline Epoch milliseconds.
 * @throws MeridianError DeadlineExceeded once it has passed; what the scorer itself refused, as it said it.
 */
export async function updateScorer(
  target: Target,
  rows: PredictRow[],
  deadline: number,
): Promise<PredictOutcome[]> {
  const { model, reach } = target;
  const updateId = updateIdOf(rows);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      const outcomes = await attempt(target, rows, updateId, deadline);
      reach.problem = null;
      return outcomes;
    } catch (error) {
      if (!isTransient(error)) throw toMeridianError(model, error);
      const looked = problemOf(target.client, error).then((problem) => (reach.problem = problem));
      if (Date.now() + pause >= deadline) {
        await looked;
        throw tooLate(model, reach, error);
      }
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}

async function attempt(
  { client, model, shard }: Target,
  rows: PredictRow[],
  updateId: string,
  deadline: number,
): Promise<PredictOutcome[]> {
  const now = Date.now();
  const span = Math.min(ATTEMPT_MS.most, Math.max(ATTEMPT_MS.least, (deadline - now) / 2));
  const { outcomes } = await client.withDeadline(Math.min(deadline, now + span), () =>
    client.workflow.executeUpdateWithStart<Scorer, ScoreBatchResult, [ScoreBatchRequest]>('predict', {
      args: [{ rows }],
      updateId,
      startWorkflowOperation: startOf(model, shard),
    }),
  );
  return outcomes;
}

type Scorer = (input: ScorerInput) => Promise<void>;

function startOf(model: string, shard: number): WithStartWorkflowOperation<Scorer> {
  return new WithStartWorkflowOperation<Scorer>('scorer', {
    workflowId: WorkflowId.scorer(model, shard),
    taskQueue: TaskQueue.scoring,
    args: [{ model, shard }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // What a worker killed in the middle of a workflow task costs.
    workflowTaskTimeout: '1 s',
    staticSummary: `Answers predictions of ${model} (shard ${shard})`,
  });
}

/** The same rows always make the same update, so that the server knows a call made again; other rows make another. */
const updateIdOf = (rows: readonly PredictRow[]): string =>
  createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 32);

function isTransient(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  if (error instanceof WorkflowUpdateFailedError) {
    // The scorer ended while the update was under way, or is about to.
    const { cause } = error;
    return cause instanceof ApplicationFailure && ENDING.has(cause.type ?? '');
  }
  const status = grpcStatus(error);
  return status !== null && TRANSIENT.has(status);
}

function grpcStatus(error: unknown): number | null {
  if (isGrpcServiceError(error)) return error.code;
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) ? cause.code : null;
}

/** The SDK tries on by itself while Temporal is away, so that all it says in the end is "too late": hence a look of its own. */
async function problemOf(client: Client, error: unknown): Promise<string | null> {
  const late =
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcStatus(error) === DEADLINE_EXCEEDED;
  if (!late) return grpcStatus(error) === null ? null : (error as Error).message;
  try {
    await client.withDeadline(Date.now() + LOOK_MS, () => client.workflowService.getSystemInfo({}));
    return null;
  } catch {
    return 'Temporal does not answer';
  }
}

function tooLate(model: string, { problem }: Reach, cause: unknown): MeridianError {
  const code = problem === null ? ErrorCode.DeadlineExceeded : ErrorCode.DependencyUnavailable;
  const reason = problem ?? 'no inference worker answered';
  return new MeridianError(
    code,
    `${model}: no prediction before the deadline: ${reason}. Check that Temporal and an inference worker are up, then try again.`,
    [],
    { cause },
  );
}

function toMeridianError(model: string, error: unknown): MeridianError {
  let reason: unknown = error;
  while (reason instanceof Error && !(reason instanceof ApplicationFailure) && reason.cause)
    reason = reason.cause;
  if (reason instanceof ApplicationFailure && reason.type && reason.type in ErrorCode) {
    const [fields] = (reason.details ?? []) as [FieldProblem[]?];
    return new MeridianError(reason.type as ErrorCode, reason.message, fields ?? [], { cause: error });
  }
  const message = reason instanceof Error ? reason.message : String(reason);
  return new MeridianError(ErrorCode.InternalError, `${model}: the prediction failed: ${message}`, [], {
    cause: error,
  });
}
