import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DecisionOutcome, ReleaseDecision, VersionAllocation } from '../contracts/decision';
import { ErrorCode } from '../contracts/errors';
import { validateReleaseModelInput } from '../contracts/generated/validators';
import type { ReleaseModelInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import { audit, convergence, release } from './shared/activities';
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
  setHandler(allocateVersion, async (allocation) => {
    await condition(() => ready);
    return state.allocate(allocation);
  });
  setHandler(decide, (asked) => state.enqueue(asked), { validator: (asked) => state.check(asked) });
  setHandler(decision, (id) => state.outcome(id));

  const run = new Run(`Release ${model}: the only writer of what it serves`, { model });
  if (!ready) {
    state.recover(
      await run.step('recover', { doing: 'Reading what has been released' }, () =>
        release.recoverState({ model }),
      ),
    );
    ready = true;
  }

  for (let decided = 0; decided < DECISIONS_A_RUN && !workflowInfo().continueAsNewSuggested; decided += 1) {
    await condition(() => state.waiting);
    await apply(run, state, state.next());
  }
  await condition(allHandlersFinished);
  await continueAsNew<typeof releaseModel>({ model, state: state.data });
}

/** Carries one decision out. Each step is idempotent; one that fails for good parks, and nothing else is decided. */
async function apply(run: Run, state: ReleaseState, asked: ReleaseDecision): Promise<void> {
  const { model } = state;
  const step = (name: string) => `${name} ${asked.kind} ${asked.version}`;
  const plan = await run.step(
    step('plan'),
    {
      doing: 'Checking the decision against what serves',
      done: (p) => ('refused' in p ? `refused: ${p.refused}` : 'in order'),
    },
    () => release.planDecision({ model, decision: asked }),
  );
  if ('refused' in plan) return state.refuse(asked.id, plan.refused);
  tagVersion(asked.version);

  const generation = await run.step(
    step('generation'),
    { doing: 'Writing the generation', done: (g) => `generation ${g.n}` },
    () => release.writeGeneration({ model, plan }),
  );
  await run.step(step('pointer'), { doing: 'Moving the pointer' }, () => release.movePointer({ generation }));
  await run.step(step('mlflow'), { doing: 'Writing stages and aliases in MLflow' }, () =>
    release.recordStages({ generation }),
  );
  await run.step(
    step('serving'),
    { doing: 'Waiting for every inference worker', done: (r) => `served by ${r.workers.join(', ')}` },
    () => convergence.awaitServing({ generation }),
  );
  const head = await run.step(step('audit'), { doing: 'Writing the audit entry' }, () =>
    audit.append({
      model,
      previous: state.auditHead,
      who: asked.by,
      what: asked.kind,
      why: asked.reason,
      before: plan.before,
      after: generation,
    }),
  );
  state.done(asked.id, generation.n, head);
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
