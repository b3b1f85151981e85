import type { StoreComparison } from '../../contracts/features';
import { createNotificationActivities } from '.';

/** The activities, with what they said and measured. */
function observed() {
  const said: string[] = [];
  const metrics: [name: string, value: number, tags: object][] = [];
  const measure = (...metric: [name: string, value: number, tags: object]) => void metrics.push(metric);
  const notifications = createNotificationActivities({
    say: async (title, text) => void said.push(`${title}\n${text}`),
    telemetry: { count: measure, gauge: measure, distribution: measure, close: () => undefined },
    links: { temporalUi: 'https://ui' },
    namespace: 'meridian.a1b2c',
  });
  return { said, metrics, notifications };
}

describe('createNotificationActivities', () => {
  it('links to the workflow in the namespace it runs in', async () => {
    const { said, notifications } = observed();
    await notifications.notifyVerdict({
      model: 'churn',
      version: 'v',
      verdict: 'fail',
      workflowId: 'evaluate/churn/v',
    });
    expect(said).toEqual([
      expect.stringContaining(
        '<https://ui/namespaces/meridian.a1b2c/workflows/evaluate%2Fchurn%2Fv|evaluate/churn/v>',
      ),
    ]);
  });

  describe('reportConsistency', () => {
    const comparison = (view: string, equal: number, change: Partial<StoreComparison> = {}) => ({
      view,
      watermark: '2026-11-20',
      compared: 100,
      equal,
      pushed: 0,
      score: equal / 100,
      examples: [],
      ...change,
    });
    const report = { minScore: 0.99, workflowId: 'compare-stores/2026-11-21' };

    it('measures every view that is loaded, and tells of those below the score in one message', async () => {
      const { said, metrics, notifications } = observed();
      await notifications.reportConsistency({
        ...report,
        comparisons: [
          comparison('usage', 100),
          comparison('billing', 90, { examples: ['customer_id=C1: plan offline "team", online nothing'] }),
          comparison('support', 80),
          comparison('never_loaded', 0, { watermark: null, compared: 0, score: 1 }),
        ],
      });
      expect(metrics).toEqual([
        ['feature.consistency', 1, { view: 'usage' }],
        ['feature.consistency', 0.9, { view: 'billing' }],
        ['feature.consistency', 0.8, { view: 'support' }],
      ]);
      expect(said).toEqual([expect.stringMatching(/billing, support\n[^]*10 of 100 differ[^]*20 of 100/)]);
      expect(said[0]).toContain('• customer_id=C1: plan offline "team", online nothing');
      expect(said[0]).not.toContain('usage');
    });

    it('says nothing where every view is equal enough', async () => {
      const { said, metrics, notifications } = observed();
      await notifications.reportConsistency({ ...report, comparisons: [comparison('usage', 99)] });
      expect([said, metrics.length]).toEqual([[], 1]);
    });
  });

  it('tells of a load that went on although data is late', async () => {
    const { said, metrics, notifications } = observed();
    await notifications.notifyLate({
      view: 'usage',
      missing: ['2026-11-20'],
      trouble: ['raw/usage/dt=2026-11-17/: found none'],
      using: '2026-11-19',
      workflowId: 'materialize-features/2026-11-20',
    });
    expect(metrics).toEqual([['feature.late', 1, { view: 'usage' }]]);
    expect(said).toEqual([
      expect.stringMatching(/2026-11-20 is late\n[^]*dt=2026-11-17[^]*went on with 2026-11-19/),
    ]);
  });
});
