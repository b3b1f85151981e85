import { ApplicationFailure } from '@temporalio/workflow';
import {
  describeBill,
  describeEstimate,
  inDollars,
  type CostEstimate,
  type CostRecord,
} from '../../contracts/cost';
import { ErrorCode } from '../../contracts/errors';
import type { ModelDeclaration } from '../../contracts/model';
import type { TrainingOutcome } from '../../contracts/training';
import type { Search } from '../../contracts/tuning';
import { cost } from './activities';
import { unlessCancelled } from './failure';
import type { Run } from './run';

type Subject = Pick<ModelDeclaration, 'name' | 'training'>;

/**
 * Shows what the training will cost before it begins. Where that may be more than the declared cap, the run parks: a
 * person's `retry` approves, for this run, and nobody is asked again.
 */
export async function estimateBefore(
  run: Run,
  { name, training }: Subject,
  search: Search | null,
): Promise<CostEstimate> {
  const { costCapDollars: cap } = training;
  let asked = false;
  return run.step(
    'estimate',
    {
      doing: 'Estimating the cost',
      done: (estimate) =>
        `${describeEstimate(estimate)}${asked ? `; approved over the cap of ${inDollars(cap!)}` : ''}`,
    },
    async () => {
      const estimate = await cost.estimateCost({
        ...kindOf({ name, training }, search !== null),
        longestSeconds: longest(training, search),
      });
      const within = cap === undefined || (estimate.dollars !== null && estimate.dollars.high <= cap);
      if (within || asked) return estimate;
      asked = true;
      throw overCap(name, cap, estimate);
    },
  );
}

/** Puts on record what it took, for later estimates, and shows it against this one. */
export async function billAfter(
  run: Run,
  declaration: Subject,
  outcome: TrainingOutcome,
  estimate: CostEstimate,
): Promise<CostRecord | null> {
  const request = { ...kindOf(declaration, outcome.tuning !== undefined), outcome, estimate };
  return run.step(
    'bill',
    {
      doing: 'Holding the cost against the estimate',
      done: (record) => (record ? describeBill(record) : 'what it cost could not be put on record'),
    },
    // A run does not wait for want of a record that only estimates need.
    () => cost.recordCost(request).catch((error: unknown) => (unlessCancelled(error), null)),
  );
}

const kindOf = ({ name, training: { instanceType, instanceCount } }: Subject, tuned: boolean) => ({
  model: name,
  instanceType,
  instanceCount,
  tuned,
});

/** Seconds that all jobs of a training, or of a search, may take. */
function longest({ maxRuntimeSeconds }: ModelDeclaration['training'], search: Search | null): number {
  if (!search) return maxRuntimeSeconds;
  const eachToItsEnd = maxRuntimeSeconds * search.maxJobs;
  const together = search.maxRuntimeSeconds && search.maxRuntimeSeconds * search.maxParallelJobs;
  return Math.min(eachToItsEnd, together ?? eachToItsEnd);
}

function overCap(model: string, cap: number, estimate: CostEstimate): ApplicationFailure {
  const found = estimate.dollars ? `up to ${inDollars(estimate.dollars.high)}` : 'an unknown cost';
  return ApplicationFailure.create({
    type: ErrorCode.CostCapExceeded,
    nonRetryable: true,
    message:
      `training ${model} is estimated at ${found}, expected at most ${inDollars(cap)} (training.costCapDollars): ` +
      `${describeEstimate(estimate)}. Nothing was started. Resolve with "retry" to approve it for this run, or with "abort".`,
  });
}
