import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DecisionOutcome, Evidence, ReleaseDecision, VersionAllocation } from '../contracts/decision';
import { ErrorCode } from '../contracts/errors';
import {
  validateReleaseDecision,
  validateReleaseModelInput,
  validateVersionAllocation,
} from '../contracts/generated/validators';
import type { ReleaseModelInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import type { Generation } from '../contracts/release';
import { audit, convergence, release } from './shared/activities';
import { summarize } from './shared/failure';
import { parseInput } from './shared/input';
import { ReleaseState, type ReleaseStateData } from './shared/release-state';
import { Run } from './shared/run';
import { tagVersion } from './shared/tag-version';

export const allocateVersion = defineUpdate<string, [VersionAllocation]>('allocateVersion');
/** Returns as soon as the decision is queued; ask `decision` for what became of it. */
export const decide = defineUpdate<DecisionOutcome, [ReleaseDecision]>('decide');
export const decision = defineQuery<DecisionOutcome | null, [string]>('decision');

/** Continue as new after so many decisions, so that the history stays short enough to read. */
const DECISIONS_A_RUN = 20;

/**
 * The only writer of what a model serves: one for ever per model, one decision at a time, a rollback before everything
 * that waits. Each decision writes the generation, then the pointer, then MLflow, then waits for the workers.
 */
export async function releaseModel(raw: unknown): Promise<void> {
  const input = parseInput<ReleaseModelInput>(validateReleaseModelInput, 'releaseModel', raw);
  const { model } = input;
  refuseOtherIds(model);
  const state = new ReleaseState(model, input.state as ReleaseStateData | undefined);
  // Handlers wait for this: a fresh writer first learns from the bucket what has been given away and served.
  let ready = input.state !== undefined;
  setHandler(
    allocateVersion,
    async (allocation) => {
      await condition(() => ready);
      return reserve(state, allocation);
    },
    { validator: (asked) => void parseInput(validateVersionAllocation, 'allocateVersion', asked) },
  );
  setHandler(decide, (asked) => state.enqueue(parseDecision(model, asked)), {
    validator: (asked) => void parseDecision(model, asked),
    description:
      'Decide what the model serves: {"id": "…", "kind": "rollback", "version": "…", "by": "…", "reason": "…"}',
  });
  setHandler(decision, (id) => state.outcome(id));

  const run = new Run(`Release ${model}: the only writer of what it serves`, { model });
  if (!ready) {
    await recover(run, state);
    ready = true;
  }
  for (let decided = 0; decided < DECISIONS_A_RUN && !workflowInfo().continueAsNewSuggested; decided += 1) {
    await condition(() => state.waiting);
    await apply(run, state, state.next());
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof releaseModel>({ model, state: state.data });
}

/** Learns what the writer before left behind, and carries a decision it had begun to write to its end. */
async function recover(run: Run, state: ReleaseState): Promise<void> {
  const { model } = state;
  const { unfinished, ...recovered } = await run.step(
    'recover',
    {
      doing: 'Reading what has been released',
      done: (r) =>
        r.unfinished ? `generation ${r.unfinished.generation.n} is half done` : 'nothing is half done',
    },
    () => release.recoverState({ model }),
  );
  state.recover(recovered);
  if (!unfinished) return;
  const { decisionId, kind, who, why, production } = unfinished.generation;
  const asked = { id: decisionId, kind, version: production.version, by: who, reason: why };
  await complete(run, state, { asked, ...unfinished });
}

/** Gives a version to a run, and says so in the bucket before anybody learns of it. */
async function reserve(state: ReleaseState, allocation: VersionAllocation): Promise<string> {
  const version = state.allocate(allocation);
  await release.reserveVersion({ model: state.model, version, runKey: allocation.runKey });
  return version;
}

/** Carries one decision out. Each step is idempotent; one that fails for good parks, and nothing else is decided. */
async function apply(run: Run, state: ReleaseState, asked: ReleaseDecision): Promise<void> {
  const { model } = state;
  const plan = await run
    .step(
      named('plan', asked),
      {
        doing: 'Checking the decision against what serves',
        done: (p) => ('refused' in p ? `refused: ${p.refused}` : 'in order'),
      },
      () => release.planDecision({ model, decision: asked }),
    )
    .catch(refusalWhereAborted);
  if ('refused' in plan) return state.refuse(asked.id, plan.refused);
  tagVersion(asked.version);

  const generation = await run.step(
    named('generation', asked),
    { doing: 'Writing the generation', done: (g) => `generation ${g.n}`, abortable: false },
    () => release.writeGeneration({ model, plan }),
  );
  await complete(run, state, { asked, generation, before: plan.before, evidence: plan.evidence });
}

interface WrittenDecision {
  asked: ReleaseDecision;
  generation: Generation;
  before: Generation | null;
  evidence: Evidence | null;
}

/**
 * From the generation, which is the truth, to everything that follows from it. There is no way back from here but
 * another decision; a rollback that waits does not wait for MLflow or for workers that do not take this one.
 */
async function complete(
  run: Run,
  state: ReleaseState,
  { asked, generation, before, evidence }: WrittenDecision,
): Promise<void> {
  const { model } = state;
  const skipWhen = () => state.rollbackWaits;
  state.written(asked.id, generation.n);
  await run.step(named('pointer', asked), { doing: 'Moving the pointer', abortable: false }, () =>
    release.movePointer({ generation }),
  );
  const recorded = await run.step<boolean>(
    named('mlflow', asked),
    { doing: 'Writing stages and aliases in MLflow', abortable: false, skipWhen, skip: () => false },
    () => unlessOvertaken(state, () => release.recordStages({ generation })),
  );
  const served = await run.step<boolean>(
    named('serving', asked),
    {
      doing: 'Waiting for every inference worker',
      done: (all) => (all ? 'every inference worker serves it' : 'a rollback passes it'),
      abortable: false,
      skipWhen,
      skip: () => false,
    },
    () => unlessOvertaken(state, () => convergence.awaitServing({ generation })),
  );
  const head = await run.step(
    named('audit', asked),
    { doing: 'Writing the audit entry', abortable: false },
    () =>
      audit.append({
        model,
        previous: state.auditHead,
        who: asked.by,
        what: asked.kind,
        why: asked.reason ?? '',
        before,
        after: { generation, evidence },
      }),
  );
  state.done(asked.id, head, !(recorded && served));
}

const named = (step: string, { kind, version }: ReleaseDecision): string => `${step} ${kind} ${version}`;

/** True once the work is done; false as soon as a rollback waits, which stops it. */
async function unlessOvertaken(state: ReleaseState, work: () => Promise<unknown>): Promise<boolean> {
  const scope = new CancellationScope();
  const working = scope.run(work).then(() => true);
  const overtaken = condition(() => state.rollbackWaits).then(() => false);
  const done = await Promise.race([working, overtaken]);
  if (!done) {
    scope.cancel();
    await working.catch(() => undefined);
  }
  return done;
}

/** Before anything is written, a person's abort is a refusal: the writer itself goes on. */
function refusalWhereAborted(error: unknown): { refused: string } {
  const { type, message } = summarize(error);
  if (type !== ErrorCode.StepAborted) throw error;
  return { refused: message };
}

function parseDecision(model: string, asked: unknown): ReleaseDecision {
  const parsed = parseInput<ReleaseDecision>(validateReleaseDecision, 'decide', asked);
  if (parsed.version.startsWith(`${model}-v`)) return parsed;
  const field = { field: 'version', found: parsed.version, expected: `a version of ${model}` };
  throw ApplicationFailure.create({
    type: ErrorCode.InvalidInput,
    nonRetryable: true,
    message: `decide: version: expected ${field.expected}, found ${field.found}. Nothing was changed.`,
    details: [[field]],
  });
}

function refuseOtherIds(model: string): void {
  const { workflowId } = workflowInfo();
  if (workflowId === WorkflowId.release(model)) return;
  throw ApplicationFailure.create({
    type: ErrorCode.InvalidInput,
    nonRetryable: true,
    message: `releaseModel: there is one writer per model; expected workflow ID ${WorkflowId.release(model)}, found ${workflowId}. Use that ID.`,
  });
}
