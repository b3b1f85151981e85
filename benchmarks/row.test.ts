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

  it('compares with a peer', () => {
    const peer = { name: 'another', value: 20 };
    expect(row({ measure: 'P95', unit: 'ms', value: 10, peer })).toMatchObject({
      peer: 20,
      peerName: 'another',
      ratio: 0.5,
    });
  });
});
