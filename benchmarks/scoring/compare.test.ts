import { compare } from './compare';

const values = { ours: 100, slow: 20, fast: 30, bare: 120 };

it('sets a target at the best of its peers alone', () => {
  const rows = compare({
    measure: 'calls',
    unit: 'calls/s',
    more: true,
    values,
    against: [
      { peers: ['slow', 'fast'], ratio: 4 },
      { peers: ['bare'], ratio: 0.75 },
    ],
  });
  expect(rows.map(({ peerName, target, holds }) => [peerName, target, holds])).toEqual([
    ['slow', null, true],
    ['fast', 'ratio ≥ 4', false],
    ['bare', 'ratio ≥ 0.75', true],
  ]);
});

it('takes the least for the best where less is better', () => {
  const [slow, fast] = compare({
    measure: 'P99',
    unit: 'ms',
    more: false,
    values: { ours: 10, slow: 30, fast: 20 },
    against: [{ peers: ['slow', 'fast'], ratio: 0.5 }],
  });
  expect(slow).toMatchObject({ target: null });
  expect(fast).toMatchObject({ target: 'ratio ≤ 0.5', ratio: 0.5, holds: true });
});
