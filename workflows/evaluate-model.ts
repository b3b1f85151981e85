import { workflowInfo } from '@temporalio/workflow';
import type { Verdict } from '../contracts/evaluation';
import { validateEvaluateModelInput } from '../contracts/generated/validators';
import type { EvaluateModelInput } from '../contracts/generated/types';
import { evaluation, registry } from './shared/activities';
import { parseInput } from './shared/input';
import { Run } from './shared/run';
import { tagVersion } from './shared/tag-version';

export interface EvaluateResult {
  verdict: Verdict;
  metrics: Record<string, number>;
}

/** Scores a version, and the one that serves, on the same held-out rows, and puts the gate's verdict on record. */
export async function evaluateModel(raw: unknown): Promise<EvaluateResult> {
  const input = parseInput<EvaluateModelInput>(validateEvaluateModelInput, 'evaluateModel', raw);
  const { model, version, trigger = 'person' } = input;
  const run = new Run(`Evaluate ${version}`, { model, trigger });
  tagVersion(version);

  const contest = await run.step(
    'contest',
    {
      doing: 'Finding the version and the champion',
      done: (c) => `against ${c.champion?.version ?? 'nothing: the first version'}`,
    },
    () => registry.describeContest({ model, version }),
  );
  const result = await run.step(
    'score',
    { doing: 'Scoring the held-out rows', done: (e) => `${e.rows} rows; ${e.gate.rules.length} rules` },
    () => evaluation.evaluateVersion({ ...contest, evaluationId: workflowInfo().firstExecutionRunId }),
  );
  await run.step(
    'record',
    { doing: 'Recording metrics and verdict in MLflow', done: () => describeGate(result.gate) },
    () => registry.recordEvaluation({ model, version, evaluation: result }),
  );
  return {
    verdict: result.gate.verdict,
    metrics: Object.fromEntries(Object.entries(result.metrics).map(([name, { value }]) => [name, value])),
  };
}

function describeGate({
  verdict,
  rules,
}: {
  verdict: Verdict;
  rules: { rule: string; verdict: Verdict; found: string; expected: string }[];
}): string {
  const lines = rules.map((r) => `  - ${r.verdict}: ${r.rule}: found ${r.found}, expected ${r.expected}`);
  return [`**${verdict}**`, ...lines].join('\n');
}
