import type { Metric } from '../../contracts/evaluation';
import type { Directions } from '../../contracts/gate-rules';
import type { ModelDeclaration } from '../../contracts/model';
import { judge as judgeBy } from './gate';
import type { Evidence } from './gate';

const DIRECTIONS: Directions = { auc: 'higher', logLoss: 'lower', recall: 'higher' };
const judge = (declaration: Parameters<typeof judgeBy>[0], given: Evidence) =>
  judgeBy(declaration, given, DIRECTIONS);

const metric = (value: number, low = value - 0.02, high = value + 0.02): Metric => ({ value, low, high });
const evidence = (over: Partial<Evidence> = {}): Evidence => ({
  metrics: { auc: metric(0.84), logLoss: metric(0.4) },
  champion: null,
  latency: { p95: 1 },
  ...over,
});
const rules = (gate: ModelDeclaration['gate'], p95Ms = 45) => ({
  gate,
  serving: { mode: 'online' as const, p95Ms },
});
const against = (differences: Record<string, Metric>, problem: string | null = null): Partial<Evidence> => ({
  champion: { version: 'churn-v1.0.0', differences, problem },
});
const AUC = { absolute: [{ metric: 'auc', min: 0.8 }] };
const CHAMPION = { ...AUC, champion: { metric: 'auc', margin: 0.01 } };

describe('judge', () => {
  it.each<[string, ModelDeclaration['gate']['absolute'][number], string, string]>([
    ['passes on a least value met', { metric: 'auc', min: 0.84 }, 'pass', 'at least 0.84'],
    [
      'fails on a least value missed, whatever the interval',
      { metric: 'auc', min: 0.841 },
      'fail',
      'at least 0.841',
    ],
    ['passes on a greatest value met', { metric: 'logLoss', max: 0.4 }, 'pass', 'at most 0.4'],
    ['fails on a greatest value missed', { metric: 'logLoss', max: 0.39 }, 'fail', 'at most 0.39'],
  ])('%s', (_, rule, verdict, expected) => {
    const result = judge(rules({ absolute: [rule] }), evidence());
    expect(result.verdict).toBe(verdict);
    expect(result.rules[0]).toMatchObject({ rule: rule.metric, verdict, expected });
    expect(result.rules[0]!.found).toMatch(/^0\.\d+ \(0\.\d+ to 0\.\d+\)$/);
  });

  it('judges both ends of a range', () => {
    const { rules: judged } = judge(rules({ absolute: [{ metric: 'auc', min: 0.7, max: 0.8 }] }), evidence());
    expect(judged.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'pass']);
  });

  it('fails on a threshold without a number', () => {
    expect(judge(rules({ absolute: [{ metric: 'auc' }] }), evidence()).verdict).toBe('fail');
  });

  it('is inconclusive on what the held-out rows leave unmeasured, on its own and against the champion', () => {
    const unmeasured = { metric: 'recall', min: 0.9 };
    expect(judge(rules({ absolute: [...AUC.absolute, unmeasured] }), evidence())).toMatchObject({
      verdict: 'inconclusive',
      rules: [{ verdict: 'pass' }, { rule: 'recall', verdict: 'inconclusive' }, { verdict: 'pass' }],
    });
    const champion = { ...AUC, champion: { metric: 'recall', margin: 0 } };
    expect(judge(rules(champion), evidence(against({ auc: metric(0.1) }))).verdict).toBe('inconclusive');
  });

  it('fails without any rule that judges quality', () => {
    expect(judge(rules({ absolute: [] }), evidence()).verdict).toBe('fail');
    const onlyChampion = rules({ absolute: [], champion: CHAMPION.champion });
    expect(judge(onlyChampion, evidence()).verdict).toBe('fail');
    expect(judge(onlyChampion, evidence(against({ auc: metric(0.01, 0, 0.02) }))).verdict).toBe('pass');
  });

  it('passes a first version on its absolutes alone', () => {
    const result = judge(rules(CHAMPION), evidence());
    expect(result.verdict).toBe('pass');
    expect(result.rules.map(({ rule }) => rule)).toEqual(['auc', 'latency p95']);
  });

  it.each<[string, number, number, string]>([
    ['the whole interval is better', 0.005, 0.03, 'pass'],
    ['the worse end is just within the margin', -0.01, 0.02, 'pass'],
    ['the interval straddles the margin', -0.02, 0.01, 'inconclusive'],
    ['the better end lies just at the margin', -0.05, -0.01, 'inconclusive'],
    ['the whole interval is worse than the margin', -0.05, -0.011, 'fail'],
  ])('against the champion, where %s: %p to %p gives %s', (_, low, high, verdict) => {
    const higher = judge(rules(CHAMPION), evidence(against({ auc: metric((low + high) / 2, low, high) })));
    expect(higher.verdict).toBe(verdict);
    const losses = { ...AUC, champion: { metric: 'logLoss', margin: 0.01 } };
    const lower = judge(
      rules(losses),
      evidence(against({ logLoss: metric(-(low + high) / 2, -high, -low) })),
    );
    expect(lower.verdict).toBe(verdict);
  });

  it('is inconclusive, and says why, where the champion could not be scored', () => {
    const result = judge(rules(CHAMPION), evidence(against({}, 'no column plan')));
    expect(result.verdict).toBe('inconclusive');
    expect(result.rules[1]).toMatchObject({
      rule: 'auc against churn-v1.0.0',
      found: 'no comparison: no column plan',
    });
  });

  it('fails over inconclusive, and on latency over the promise', () => {
    const unsure = against({ auc: metric(0, -0.05, 0.05) });
    expect(judge(rules(CHAMPION), evidence(unsure)).verdict).toBe('inconclusive');
    const slow = judge(rules(CHAMPION), evidence({ ...unsure, latency: { p95: 45.1 } }));
    expect(slow.verdict).toBe('fail');
    expect(slow.rules.at(-1)).toEqual({
      rule: 'latency p95',
      verdict: 'fail',
      found: '45.1 ms',
      expected: 'at most 45 ms',
    });
  });
});
