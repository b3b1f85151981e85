import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type StoredValue } from '../../platform/online-store';
import { startFeast } from './feast-client';
import { setStage, type Stage } from './stage';

jest.setTimeout(120_000);

const NOW = Date.parse('2026-11-20T12:00:00Z');
const seen: FeatureView = {
  name: 'seen',
  version: 2,
  description: 'A view whose rows Feast writes.',
  owner: 'tests',
  entity: {
    name: 'seen',
    joinKeys: [
      { name: 'store_id', type: 'int64' },
      { name: 'customer_id', type: 'string' },
    ],
  },
  ttlSeconds: 2 * 86_400,
  features: [
    { name: 'd', type: 'double' },
    { name: 'f', type: 'float' },
    { name: 'l', type: 'int64' },
    { name: 'i', type: 'int32' },
    { name: 'b', type: 'bool' },
    { name: 's', type: 'string' },
  ],
  sources: [],
  transformation: null,
  push: true,
};
const names = seen.features.map(({ name }) => name);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

it('reads what the real Feast has pushed, values and statuses', async () => {
  const rows: { time: string; values: StoredValue[] }[] = [
    { time: '2026-11-20T11:59:59.123456+00:00', values: [-0.5, 1.5, 2 ** 53 - 1, -(2 ** 31), true, 'ä€😀'] },
    { time: '2026-11-01T01:30:00.000000-08:00', values: [1, 1, 1, 1, true, 'old'] },
    { time: '2026-11-19T00:00:00.000000-08:00', values: [0, 0, 0, 0, false, ''] },
    { time: '2026-11-20T04:00:00.000000-08:00', values: [null, null, -1, -1, false, null] },
  ];
  const feast = await startFeast(stage, { name: 'feast-push', views: [seen] });
  await feast.ask({
    do: 'push',
    source: 'seen_v2_push',
    rows: rows.map(({ time, values }, index) => ({
      customer_id: `C${index}`,
      store_id: index - 1,
      event_timestamp: time,
      created_timestamp: time,
      ...Object.fromEntries(names.map((name, column) => [name, values[column]!])),
    })),
  });
  const answers = await createOnlineStore(stage.redis, 'meridian', () => NOW).getOnlineFeaturesOfMany({
    views: [seen],
    features: names.map((feature) => ({ view: 'seen', feature })),
    entities: [...rows.map((_, index) => index), 9].map((index) => ({
      customer_id: `C${index}`,
      store_id: `${index - 1}`,
    })),
  });
  expect(answers.map((row) => row.map(({ value }) => value))).toEqual([
    rows[0]!.values,
    Array(6).fill(null),
    rows[2]!.values,
    rows[3]!.values,
    Array(6).fill(null),
  ]);
  const statuses = answers.map((row) => [...new Set(row.map(({ status }) => status))].sort());
  expect(statuses).toEqual([
    ['PRESENT'],
    ['OUTSIDE_MAX_AGE'],
    ['PRESENT'],
    ['NULL_VALUE', 'PRESENT'],
    ['NOT_FOUND'],
  ]);
  expect(answers.map(([first]) => first!.eventTimestamp)).toEqual([
    BigInt(NOW) * 1000n - 876_544n,
    BigInt(Date.parse('2026-11-01T09:30:00Z')) * 1000n,
    BigInt(Date.parse('2026-11-19T08:00:00Z')) * 1000n,
    BigInt(Date.parse('2026-11-20T12:00:00Z')) * 1000n,
    null,
  ]);
});
