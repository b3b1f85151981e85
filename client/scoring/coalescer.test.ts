import fc from 'fast-check';
import { Coalescer, type CoalescerOptions } from './coalescer';

interface Sent {
  items: number[];
  shard: number;
  answer(): void;
  fail(error: Error): void;
}

const anyShard = { home: 0, maxWeight: Infinity, weigh: () => 1, shardOf: () => null, dropWith: () => null };

/** A coalescer whose other side answers when told to. */
function rig(more: Partial<CoalescerOptions<number>> = {}) {
  const options = { shards: 2, inFlight: 2, maxItems: 4, ...anyShard, ...more };
  const sent: Sent[] = [];
  const coalescer = new Coalescer<number, string>(
    (items, shard) =>
      new Promise((resolve, reject) => {
        sent.push({ items, shard, answer: () => resolve(items.map((item) => `#${item}`)), fail: reject });
      }),
    options,
  );
  return { sent, coalescer };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('Coalescer', () => {
  // No batch gets stuck by a pause of this machine.
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => void jest.useRealTimers());

  it('sends a lone call at once', async () => {
    const { sent, coalescer } = rig();
    const answer = coalescer.call(1);
    await turn();
    expect(sent.map(({ items }) => items)).toEqual([[1]]);
    sent[0]!.answer();
    await expect(answer).resolves.toBe('#1');
  });

  it('sends calls made together in one batch', async () => {
    const { sent, coalescer } = rig();
    void coalescer.call(1);
    void coalescer.call(2);
    void coalescer.call(3);
    await turn();
    expect(sent.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  });

  it('gathers calls while batches are under way, and sends them when those return', async () => {
    const { sent, coalescer } = rig();
    for (const item of [1, 2, 3, 4, 5]) {
      void coalescer.call(item);
      await turn();
    }
    expect(sent.map(({ items }) => items)).toEqual([[1]]);
    sent[0]!.answer();
    await turn();
    expect(sent.map(({ items }) => items)).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('sends what has its shard through that one, in the order of the calls, with what may go anywhere', async () => {
    const { sent, coalescer } = rig({ shardOf: (item) => (item >= 10 ? item % 2 : null), inFlight: 1 });
    for (const item of [10, 12, 1, 11, 2, 14]) void coalescer.call(item);
    await turn();
    expect(sent.map(({ items, shard }) => [shard, items])).toEqual([
      [0, [10, 12, 1, 2]],
      [1, [11]],
    ]);
    sent[0]!.answer();
    await turn();
    expect(sent[2]).toMatchObject({ shard: 0, items: [14] });
  });

  it('starts from its own shard where any will do', async () => {
    const { sent, coalescer } = rig({ home: 1 });
    void coalescer.call(1);
    await turn();
    expect(sent.map(({ shard }) => shard)).toEqual([1]);
  });

  it('fills a batch by weight too, and takes what is heavier alone', async () => {
    const { sent, coalescer } = rig({ maxWeight: 5, weigh: (item) => item });
    for (const item of [3, 3, 2, 9]) void coalescer.call(item);
    await turn();
    for (let answered = 0; answered < 3; answered += 1) {
      sent[answered]!.answer();
      await turn();
    }
    expect(sent.map(({ items }) => items)).toEqual([[3, 2], [3], [9]]);
  });

  it('drops what is not worth sending any more, and says why', async () => {
    const late = new Error('too late');
    const { sent, coalescer } = rig({ dropWith: (item) => (item === 2 ? late : null) });
    const dropped = coalescer.call(2);
    void coalescer.call(1);
    await expect(dropped).rejects.toBe(late);
    expect(sent.map(({ items }) => items)).toEqual([[1]]);
  });

  it('is not held up by batches that are stuck, and goes where none is', async () => {
    const { sent, coalescer } = rig({ shards: 4, inFlight: 1 });
    for (const item of [1, 2]) {
      void coalescer.call(item);
      await turn();
    }
    expect(sent.map(({ shard }) => shard)).toEqual([0]);
    jest.runAllTimers();
    await turn();
    expect(sent.map(({ items, shard }) => [shard, items])).toEqual([
      [0, [1]],
      [1, [2]],
    ]);
  });

  it('fails only the calls of the batch that failed', async () => {
    const { sent, coalescer } = rig();
    const first = coalescer.call(1);
    await turn();
    const second = coalescer.call(2);
    await turn();
    sent[0]!.fail(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    await turn();
    sent[1]!.answer();
    await expect(second).resolves.toBe('#2');
  });

  it('answers every call with its own answer, within its bounds', async () => {
    const options = fc.record({
      shards: fc.integer({ min: 1, max: 4 }),
      inFlight: fc.integer({ min: 1, max: 3 }),
      maxItems: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(options, fc.scheduler(), fc.integer({ min: 1, max: 60 }), async (bounds, s, calls) => {
        const underWay = new Map<number, number>();
        const coalescer = new Coalescer<number, string>(
          async (items, shard) => {
            const now = (underWay.get(shard) ?? 0) + 1;
            underWay.set(shard, now);
            expect(now).toBeLessThanOrEqual(bounds.inFlight);
            expect(items.length).toBeLessThanOrEqual(bounds.maxItems);
            await s.schedule(Promise.resolve());
            underWay.set(shard, underWay.get(shard)! - 1);
            return items.map((item) => `#${item}`);
          },
          { ...anyShard, ...bounds, shardOf: (item) => (item % 3 === 0 ? item % bounds.shards : null) },
        );
        const items = Array.from({ length: calls }, (_, index) => index);
        const answers = Promise.all(items.map((item) => coalescer.call(item)));
        await expect(s.waitFor(answers)).resolves.toEqual(items.map((item) => `#${item}`));
      }),
      { numRuns: 30 },
    );
  });
});
