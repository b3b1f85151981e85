import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { ErrorCode } from '../contracts/errors';
import {
  validateLimitClaim,
  validateLimitInput,
  validateLimitRelease,
} from '../contracts/generated/validators';
import type { LimitInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import type { LimitClaim, LimitOverview, LimitRelease, LimitStanding } from '../contracts/limits';
import { parseInput } from './shared/input';
import { LimitState, type LimitStateData } from './shared/limit-state';

/** Asks for units, or says that they are still wanted; answers at once whether they are granted, or at which place it waits. */
export const acquire = defineUpdate<LimitStanding, [LimitClaim]>('acquire');
/** Gives units, or a place in the queue, back; doing it again changes nothing. */
export const release = defineUpdate<LimitStanding, [LimitRelease]>('release');
export const standing = defineQuery<LimitStanding, [string]>('standing');
export const overview = defineQuery<LimitOverview>('overview');

/** Continue as new after so many updates, so that the history stays short enough to read. */
const UPDATES_A_RUN = 500;
/** A limit that nobody holds or waits for ends after so long; who asks next starts it anew. */
const IDLE_MS = 10 * 60_000;

/**
 * One limit: who may run now, and who waits, in the order of asking. A claim that is not renewed in time is lost, so that
 * who was killed keeps nobody waiting.
 */
export async function limit(raw: unknown): Promise<void> {
  const input = parseInput<LimitInput>(validateLimitInput, 'limit', raw);
  refuseOtherIds(input.name);
  const state = new LimitState(input.name, input.state as LimitStateData | undefined);
  let updates = 0;
  let idleSince = Date.now();

  const handled = (answer: LimitStanding): LimitStanding => {
    updates += 1;
    idleSince = Date.now();
    show(state);
    return answer;
  };
  setHandler(
    acquire,
    (asked) => handled(state.claim(parseInput<LimitClaim>(validateLimitClaim, 'acquire', asked), Date.now())),
    { validator: (asked) => void parseInput(validateLimitClaim, 'acquire', asked) },
  );
  setHandler(release, ({ holder }) => handled(state.release(holder, Date.now())), {
    validator: (asked) => void parseInput(validateLimitRelease, 'release', asked),
    description: 'Give back what a holder has, or its place in the queue: {"holder": "…"}',
  });
  setHandler(standing, (holder) => state.standing(holder));
  setHandler(overview, () => ({ name: state.name, ...state.data }));

  const full = () => updates >= UPDATES_A_RUN || workflowInfo().continueAsNewSuggested;
  const deadline = () => state.nextExpiry ?? idleSince + IDLE_MS;
  show(state);
  while (!full()) {
    const armed = deadline();
    await condition(() => full() || deadline() < armed, Math.max(1, armed - Date.now()));
    state.expire(Date.now());
    show(state);
    if (state.nextExpiry === null && Date.now() >= idleSince + IDLE_MS) return;
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof limit>({ name: state.name, state: state.data });
}

function show(state: LimitState): void {
  const { capacity, held, queue } = state.data;
  const line = (mark: string, { holder, units, since }: LimitStateData['held'][number]) =>
    `- ${mark} ${holder}: ${units}, since ${new Date(since).toISOString()}`;
  setCurrentDetails(
    [
      `### ${state.name}: ${state.inUse} of ${capacity} in use, ${queue.length} waiting`,
      ...held.map((claim) => line('▶', claim)),
      ...queue.map((claim, index) => line(`${index + 1}.`, claim)),
      '',
      'What is not renewed is lost. To take it from a holder now, send the update `release` with `{"holder": "…"}`.',
    ].join('\n'),
  );
}

function refuseOtherIds(name: string): void {
  const { workflowId } = workflowInfo();
  if (workflowId === WorkflowId.limit(name)) return;
  throw ApplicationFailure.create({
    type: ErrorCode.InvalidInput,
    nonRetryable: true,
    message: `limit: there is one workflow a limit; expected workflow ID ${WorkflowId.limit(name)}, found ${workflowId}. Use that ID.`,
  });
}
