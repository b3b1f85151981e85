import { sleep, workflowInfo } from '@temporalio/workflow';
import type { Rehearsal } from '../contracts/batch';
import type { DecisionOutcome, ReleaseDecision } from '../contracts/decision';
import { validateRollOutModelInput } from '../contracts/generated/validators';
import type { RollOutModelInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import { isOfSeries } from '../contracts/model';
import { batch, decisionWait, monitoring, registry, release } from './shared/activities';
import { parseInput } from './shared/input';
import { Run } from './shared/run';
import { tagVersion } from './shared/tag-version';

export interface RollOutResult {
  version: string;
  generation: number;
}

type RollOutStep = NonNullable<RollOutModelInput['steps']>[number];

/** How often the count of predictions is looked at while a step waits for enough of them. */
const LOOK_EVERY_MS = 5 * 60_000;

/**
 * Takes a passing version to all of the traffic: step by step beside the champion, each step with its least duration
 * and its least number of predictions. A first version has no champion and is released at once; what is scored in batches
 * is released after a run in the shadow.
 */
export async function rollOutModel(raw: unknown): Promise<RollOutResult> {
  const input = parseInput<RollOutModelInput>(validateRollOutModelInput, 'rollOutModel', raw);
  const { model, version, trigger = 'person', by = 'rollOutModel', reason = '' } = input;
  const run = new Run(`Roll out ${version}`, { model, trigger });
  tagVersion(version);

  const { candidate, champion, declaration } = await run.step(
    'contest',
    {
      doing: 'Finding what serves',
      done: (c) => (c.champion ? `champion ${c.champion.version}` : 'no champion: released at once'),
    },
    () => registry.describeContest({ model, version }),
  );
  const steps = champion && champion.version !== version ? (input.steps ?? declaration.rollOut.steps) : [];

  for (const [index, step] of steps.filter(({ weight }) => weight < 1).entries()) {
    await run.step<number>(
      step.weight === 0 ? 'shadow' : `${Math.round(step.weight * 100)} %`,
      { doing: describe(step), done: (n) => `${n} predictions` },
      (generation) =>
        route(
          { id: decisionId(index, generation), kind: 'route', weight: step.weight, version, by, reason },
          model,
          step,
        ),
    );
  }
  if (isOfSeries(declaration)) {
    const { table } = declaration.series;
    await run.step<Rehearsal | null>(
      'shadow run',
      { doing: `Scoring the newest day of raw/${table}, and writing nothing`, done: sayRehearsal },
      () => batch.rehearse({ candidate, champion, table }),
    );
  }
  const outcome = await run.step<DecisionOutcome>(
    'release',
    {
      doing: `Releasing, in ${WorkflowId.release(model)}`,
      done: (o) =>
        declaration.serving.mode === 'batch'
          ? `generation ${o.generation} serves`
          : `generation ${o.generation} serves on every worker`,
    },
    (generation) =>
      decide(model, { id: decisionId('promote', generation), kind: 'promote', version, by, reason }),
  );
  return { version, generation: outcome.generation! };
}

function sayRehearsal(rehearsal: Rehearsal | null): string {
  if (!rehearsal) return 'there is no day to score yet';
  const { day, candidate, champion } = rehearsal;
  const share = ({ anomalous, scored }: { anomalous: number; scored: number }): string =>
    `${anomalous} of ${scored} points`;
  const before = champion ? `; ${share(champion)} for what serves` : '';
  return `${day}: ${share(candidate)} are anomalous${before}`;
}

/** Names a decision: the same for whoever asks again, another one for another run, and after a person's `retry`. */
function decisionId(step: string | number, generation: number): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return `${workflowId}/${firstExecutionRunId}/${step}/${generation}`;
}

function describe({ weight, minDurationSeconds, minPredictions }: RollOutStep): string {
  const share = weight === 0 ? 'In the shadow of the champion' : `${weight * 100} % of the traffic`;
  return `${share}, for at least ${minDurationSeconds} s and ${minPredictions} predictions`;
}

/** Puts the candidate on its share and stays until the step's time and count are reached: no data never promotes. */
async function route(decision: ReleaseDecision, model: string, step: RollOutStep): Promise<number> {
  await decide(model, decision);
  const since = new Date().toISOString();
  await sleep(step.minDurationSeconds * 1000);
  for (;;) {
    const { predictions } = await monitoring.countPredictions({ model, version: decision.version, since });
    if (predictions >= step.minPredictions) return predictions;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Asks `releaseModel`, and waits until it has decided and every live worker serves the outcome. */
async function decide(model: string, decision: ReleaseDecision): Promise<DecisionOutcome> {
  await release.requestDecision({ model, decision });
  return decisionWait.awaitDecision({ model, decision });
}
