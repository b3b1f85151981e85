import type { CostRecord } from '../../contracts/cost';
import type { TrainingOutcome } from '../../contracts/training';
import { createCostActivities } from '.';

const KIND = { model: 'churn', instanceType: 'ml.m5.xlarge', instanceCount: 2, tuned: false };

/** Activities on a bucket in memory. */
function onMemory() {
  const objects = new Map<string, string>();
  const activities = createCostActivities({
    store: {
      list: async (prefix) =>
        [...objects.keys()]
          .filter((key) => key.startsWith(prefix))
          .sort()
          .map((key) => ({ key, etag: '', bytes: 0 })),
      getJson: async <T>(key: string) => JSON.parse(objects.get(key)!) as T,
      put: async (key, body) => {
        objects.set(key, String(body));
        return { key, etag: '', bytes: 0 };
      },
    },
    prices: { 'ml.m5.xlarge': 0.36 },
  });
  return { objects, ...activities };
}

const outcome = (day: number, billableSeconds: number, change: Partial<TrainingOutcome> = {}) =>
  ({
    jobName: `churn-${day}`,
    trainingSeconds: billableSeconds,
    billableSeconds,
    endedAt: `2026-11-${String(day).padStart(2, '0')}T10:00:00.000Z`,
    cost: { jobs: [], trainingSeconds: 0, billableSeconds, spotSavingPercent: null, dollars: 0.5 },
    ...change,
  }) as TrainingOutcome;

describe('createCostActivities', () => {
  it('estimates by what is declared until enough was trained, then by what was', async () => {
    const costs = onMemory();
    const first = await costs.estimateCost({ ...KIND, longestSeconds: 3600 });
    // One hour of two instances.
    expect(first).toMatchObject({
      runs: 0,
      seconds: { low: 0, high: 3600 },
      dollars: { low: 0, high: 0.72 },
    });
    for (const day of [3, 1, 2])
      await costs.recordCost({ ...KIND, outcome: outcome(day, 100), estimate: first });
    const later = await costs.estimateCost({ ...KIND, longestSeconds: 3600 });
    expect(later).toMatchObject({ runs: 3, pricePerHour: 0.36 });
    expect(later.seconds.low).toBeCloseTo(100);
    expect(later.dollars!.high).toBeCloseTo(0.02);
  });

  it('takes only trainings that are alike for the next one', async () => {
    const costs = onMemory();
    for (const day of [1, 2, 3])
      await costs.recordCost({ ...KIND, outcome: outcome(day, 100), estimate: null });
    for (const other of [{ tuned: true }, { instanceCount: 1 }, { model: 'other' }]) {
      expect(await costs.estimateCost({ ...KIND, ...other, longestSeconds: 60 })).toMatchObject({ runs: 0 });
    }
  });

  it('knows no dollars where the type has no price', async () => {
    const estimate = await onMemory().estimateCost({ ...KIND, instanceType: 'ml.new', longestSeconds: 60 });
    expect(estimate).toMatchObject({ dollars: null, pricePerHour: null, seconds: { high: 60 } });
  });

  it('holds what it took against the estimate, and writes the same again', async () => {
    const costs = onMemory();
    const { objects } = costs;
    const estimate = {
      ...(await costs.estimateCost({ ...KIND, longestSeconds: 60 })),
      seconds: { low: 50, high: 60 },
    };
    const record = (billable: number): Promise<CostRecord> =>
      costs.recordCost({ ...KIND, outcome: outcome(1, billable), estimate });
    expect([await record(10), await record(55), await record(99)].map(({ against }) => against)).toEqual([
      'below',
      'within',
      'above',
    ]);
    const before = [...objects];
    await record(99);
    expect([...objects]).toEqual(before);
    expect(before.map(([key]) => key)).toEqual(['reports/costs/churn/2026-11-01T100000.000Z-churn-1.json']);
    expect(await costs.recordCost({ ...KIND, outcome: outcome(2, 5), estimate: null })).toMatchObject({
      against: null,
      dollars: 0.5,
    });
  });
});
