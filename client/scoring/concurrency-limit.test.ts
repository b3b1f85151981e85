import { ConcurrencyLimit } from './concurrency-limit';

/** Lets a limit settle against another side that works on `servers` batches at once, each for `serviceMs`. */
function rig() {
  let now = 0;
  const limit = new ConcurrencyLimit({ least: 1, most: 16 }, () => now);
  return {
    limit,
    settle(servers: number, serviceMs: number, callers = Infinity): number {
      for (let answer = 0; answer < 10_000; answer += 1) {
        const underWay = Math.min(limit.current, callers);
        const took = serviceMs * Math.max(1, underWay / servers);
        now += took / underWay;
        limit.answered(took, underWay, 1);
      }
      return limit.current;
    },
  };
}

describe('ConcurrencyLimit', () => {
  it.each([1, 2, 4, 8])('finds how many the other side works on at once: %i', (servers) => {
    const found = rig().settle(servers, 20);
    expect(found).toBeGreaterThanOrEqual(servers);
    expect(found).toBeLessThanOrEqual(servers + 2);
  });

  it('does not grow for what is not used', () => {
    expect(rig().settle(8, 20, 2)).toBeLessThanOrEqual(3);
  });

  it('stays within its bounds, however fast the other side', () => {
    expect(rig().settle(100, 1)).toBe(16);
  });

  it('finds another pace when the other side has become slower or faster for good', () => {
    const other = rig();
    other.settle(2, 20);
    const faster = other.settle(6, 60);
    expect(faster).toBeGreaterThanOrEqual(6);
    expect(faster).toBeLessThanOrEqual(8);
    expect(other.settle(1, 10)).toBeLessThanOrEqual(3);
  });

  it('takes a large batch for large, not for one that waits', () => {
    let now = 0;
    const limit = new ConcurrencyLimit({ least: 1, most: 16 }, () => now);
    for (let answer = 0; answer < 10_000; answer += 1) {
      const items = 1 + ((answer * 37) % 64);
      const underWay = limit.current;
      const took = (15 + 4 * items) * Math.max(1, underWay / 3) * (1 + (answer % 5) / 20);
      now += took / underWay;
      limit.answered(took, underWay, items);
    }
    expect(limit.current).toBeGreaterThanOrEqual(2);
    expect(limit.current).toBeLessThanOrEqual(5);
  });
});
