import type { Evaluation, GateRule, Metric, Verdict } from '../../contracts/evaluation';
import type { Directions } from '../../contracts/gate-rules';
import type { ModelDeclaration } from '../../contracts/model';

/** What the gate judges by. */
export interface Evidence {
  metrics: Record<string, Metric>;
  /** Null for a first version; `problem` where the champion could not be scored on these rows. */
  champion: { version: string; differences: Record<string, Metric>; problem: string | null } | null;
  latency: { p95: number };
}

/**
 * Judges a candidate: fails where any rule fails, else is inconclusive where any rule is, else passes.
 * - An absolute threshold is met or missed by the point value; the interval is shown, for people.
 * - Against the champion the paired interval decides: passes where even its worse end is within the margin, fails where
 *   even its better end is not, and is inconclusive between.
 * - What the held-out rows leave unmeasured (a class without rows, windows that nobody labelled) is inconclusive.
 * - A declaration under which no rule judges the model's quality is a fail, whatever its latency.
 */
export function judge(
  { gate, serving }: Pick<ModelDeclaration, 'gate' | 'serving'>,
  evidence: Evidence,
  directions: Directions,
): Evaluation['gate'] {
  const quality = [
    ...gate.absolute.flatMap((rule) => judgeAbsolute(rule, evidence.metrics)),
    ...(gate.champion && evidence.champion
      ? [judgeChampion(gate.champion, evidence.champion, directions)]
      : []),
  ];
  const rules = [
    ...(quality.length > 0 ? quality : [EMPTY]),
    judgeLatency(evidence.latency.p95, serving.p95Ms),
  ];
  return { verdict: worst(rules.map(({ verdict }) => verdict)), rules };
}

const UNMEASURED = 'nothing: the held-out rows leave it undefined';

const EMPTY: GateRule = {
  rule: 'gate',
  verdict: 'fail',
  found: 'no rule that judges quality',
  expected: 'at least one threshold in gate.absolute, or a champion to compare with',
};

function judgeAbsolute(
  { metric, min, max }: ModelDeclaration['gate']['absolute'][number],
  metrics: Record<string, Metric>,
): GateRule[] {
  const measured = metrics[metric];
  const rule = (holds: (value: number) => boolean, expected: string): GateRule => {
    if (!measured) return { rule: metric, verdict: 'inconclusive', found: UNMEASURED, expected };
    const verdict = holds(measured.value) ? 'pass' : 'fail';
    return { rule: metric, verdict, found: withInterval(measured), expected };
  };
  if (min === undefined && max === undefined) {
    const found = measured ? withInterval(measured) : UNMEASURED;
    return [{ rule: metric, verdict: 'fail', found, expected: 'a threshold: min, max or both' }];
  }
  return [
    ...(min === undefined ? [] : [rule((value) => value >= min, `at least ${min}`)]),
    ...(max === undefined ? [] : [rule((value) => value <= max, `at most ${max}`)]),
  ];
}

function judgeChampion(
  { metric, margin }: NonNullable<ModelDeclaration['gate']['champion']>,
  champion: NonNullable<Evidence['champion']>,
  directions: Directions,
): GateRule {
  const rule = `${metric} against ${champion.version}`;
  const higherIsBetter = directions[metric] === 'higher';
  const expected = `no more than ${margin} ${higherIsBetter ? 'below' : 'above'} the champion, with 95 % confidence`;
  const difference = champion.differences[metric];
  if (champion.problem !== null || !difference) {
    const found = `no comparison: ${champion.problem ?? 'the held-out rows leave it undefined'}`;
    return { rule, verdict: 'inconclusive', found, expected };
  }
  const [worse, better] = higherIsBetter
    ? [difference.low, difference.high]
    : [-difference.high, -difference.low];
  const verdict = worse >= -margin ? 'pass' : better < -margin ? 'fail' : 'inconclusive';
  return { rule, verdict, found: `a difference of ${withInterval(difference)}`, expected };
}

function judgeLatency(p95: number, limit: number): GateRule {
  return {
    rule: 'latency p95',
    verdict: p95 <= limit ? 'pass' : 'fail',
    found: `${round(p95)} ms`,
    expected: `at most ${limit} ms`,
  };
}

function worst(verdicts: Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.includes('inconclusive') ? 'inconclusive' : 'pass';
}

const round = (value: number): string => String(Number(value.toPrecision(4)));
const withInterval = ({ value, low, high }: Metric): string =>
  `${round(value)} (${round(low)} to ${round(high)})`;
