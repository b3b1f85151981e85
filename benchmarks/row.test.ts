import { row } from './row';

describe('a row', () => {
  it('has null for the peer and the target that there are not, and holds', () => {
    expect(row({ measure: 'training', unit: 's', value: 4.123_456 })).toEqual({
      measure: 'training',
      unit: 's',
      ours: 4.123,
      peer: null,
      peerName: null,
      ratio: null,
      target: null,
      holds: true,
    });
  });

  it.each([
    [44.9, true],
    [45, true],
    [45.000_001, false],
  ])('judges %d against at most 45 by the value itself, not as it is shown', (value, holds) => {
    expect(row({ measure: 'P95', unit: 'ms', value, atMost: 45 })).toMatchObject({ target: '≤ 45', holds });
  });

  it.each([
    [5000, true],
    [4999.999_9, false],
  ])('judges %d against at least 5000', (value, holds) => {
    expect(row({ measure: 'calls', unit: 'calls/s', value, atLeast: 5000 })).toMatchObject({
      target: '≥ 5000',
      holds,
    });
  });

  it('compares with a peer', () => {
    const peer = { name: 'another', value: 20 };
    expect(row({ measure: 'P95', unit: 'ms', value: 10, peer })).toMatchObject({
      peer: 20,
      peerName: 'another',
      ratio: 0.5,
    });
  });

  it.each([
    ['at least ten times the peer', 200, { ratioAtLeast: 10 }, 'ratio ≥ 10', true],
    ['hardly less than that', 199.999, { ratioAtLeast: 10 }, 'ratio ≥ 10', false],
    ['no more than the peer', 20, { ratioAtMost: 1 }, 'ratio ≤ 1', true],
    ['a little more', 20.001, { ratioAtMost: 1 }, 'ratio ≤ 1', false],
    ['two targets, of which one is missed', 30, { atMost: 25, ratioAtLeast: 1 }, '≤ 25, ratio ≥ 1', false],
  ])('judges the ratio: %s', (_, value, targets, target, holds) => {
    expect(
      row({ measure: 'speed', unit: 'rows/s', value, peer: { name: 'another', value: 20 }, ...targets }),
    ).toMatchObject({
      target,
      holds,
    });
  });

  it('misses a ratio to a peer that is no number', () => {
    const peer = { name: 'another', value: NaN };
    expect(row({ measure: 'speed', unit: 'rows/s', value: 1, peer, ratioAtLeast: 1 }).holds).toBe(false);
  });

  it('refuses a target for the ratio where there is no peer', () => {
    expect(() => row({ measure: 'speed', unit: 'rows/s', value: 1, ratioAtLeast: 10 })).toThrow(
      /expected a peer/,
    );
  });
});
