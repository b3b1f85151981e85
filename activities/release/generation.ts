import type { ReleaseDecision } from '../../contracts/decision';
import type { Generation, ServedVersion, Variant } from '../../contracts/release';

/** A decision checked against what serves: all that writing the next generation takes. */
export interface DecisionPlan {
  decision: ReleaseDecision;
  before: Generation | null;
  /** The version that is Production afterwards. */
  production: ServedVersion;
  /** The candidate beside it, where the decision routes to one. */
  candidate: ServedVersion | null;
}

/** The generation a plan leads to. Pure: equal plans and times give equal generations. */
export function nextGeneration(model: string, plan: DecisionPlan, when: string): Generation {
  const { decision, before, production } = plan;
  return {
    formatVersion: 1,
    n: (before?.n ?? 0) + 1,
    decisionId: decision.id,
    model,
    production,
    variants: variants(plan),
    salt: before?.salt ?? model,
    previous: before?.n ?? null,
    who: decision.by,
    why: decision.reason,
    when,
  };
}

function variants({ decision, production, candidate }: DecisionPlan): Variant[] {
  if (decision.kind !== 'route' || !candidate) return [{ ...production, weight: 1, mode: 'live' }];
  const { weight } = decision;
  return [
    { ...production, weight: 1 - weight, mode: 'live' },
    { ...candidate, weight, mode: weight === 0 ? 'shadow' : 'canary' },
  ];
}
