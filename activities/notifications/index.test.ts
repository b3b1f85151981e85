import { createNotificationActivities } from '.';

describe('createNotificationActivities', () => {
  it('links to the workflow in the namespace it runs in', async () => {
    const said: string[] = [];
    const notifications = createNotificationActivities({
      say: async (title, text) => void said.push(`${title}\n${text}`),
      telemetry: { count: () => undefined } as never,
      links: { temporalUi: 'https://ui' },
      namespace: 'meridian.a1b2c',
    });
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
});
