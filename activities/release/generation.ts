import type { ReleaseDecision } from '../../contracts/decision';
import type { Generation, Variant } from '../../contracts/release';
import type { Choice } from './choice';

/** A decision checked against what serves: all that writing the next generation takes. */
export interface DecisionPlan extends Choice {
  decision: ReleaseDecision;
  before: Generation | null;
}

/** The generation a plan leads to. Pure: equal plans and times give equal generations. */
export function nextGeneration(model: string, plan: DecisionPlan, when: string): Generation {
  const { decision, before, production } = plan;
  return {
    formatVersion: 1,
    n: (before?.n ?? 0) + 1,
    decisionId: decision.id,
    kind: decision.kind,
    model,
    production,
    variants: variants(plan),
    salt: before?.salt ?? model,
    previous: before?.n ?? null,
    who: decision.by,
    why: decision.reason ?? '',
    when,
  };
}

function variants({ decision, production, candidate }: DecisionPlan): Variant[] {
  if (decision.kind !== 'route' || !candidate) return [{ ...production, weight: 1, mode: 'live' }];
  const { weight = 0 } = decision;
  return [
    { ...production, weight: 1 - weight, mode: 'live' },
    { ...candidate, weight, mode: weight === 0 ? 'shadow' : 'canary' },
  ];
}
