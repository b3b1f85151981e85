import * as fc from 'fast-check';
import { Lane, type LaneLimits, type Waited } from './lane';

interface Item {
  id: number;
  refused: string | null;
  answered: boolean;
}

const LIMITS: LaneLimits = { maxBatch: 4, inFlight: 2, maxWaiting: 100, maxWaitMs: 10_000 };
const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, id) => ({ id, refused: null, answered: false }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A lane whose batches end when the test says so. */
function held(limits: Partial<LaneLimits> = {}, sizeOf?: (item: Item) => number) {
  const batches: { ids: number[]; end: () => void }[] = [];
  const run = (batch: readonly Waited<Item>[]): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        for (const { item } of batch) item.answered = true;
        resolve();
      };
      batches.push({ ids: batch.map(({ item }) => item.id), end });
    });
  const refuse = (item: Item, reason: string): void => {
    item.refused = reason;
  };
  return { batches, lane: new Lane<Item>(run, refuse, { ...LIMITS, ...limits }, sizeOf) };
}

describe('Lane', () => {
  it('answers a lone call at once, and calls of one turn together', async () => {
    const { batches, lane } = held();
    const [a, b] = items(2);
    const both = [lane.submit([a!]), lane.submit([b!])];
    await turn();
    expect(batches.map(({ ids }) => ids)).toEqual([[0, 1]]);
    batches[0]!.end();
    await Promise.all(both);
    expect(lane.length).toBe(0);
  });

  it('takes the longest waiting, and with it those most like it', async () => {
    const { batches, lane } = held({ maxBatch: 3, inFlight: 1 }, ({ id }) => (id % 2) * 100 + id);
    const done = items(8).map((item) => lane.submit([item]));
    for (let batch = 0; batch < 3; batch += 1) {
      await turn();
      await turn();
      batches[batch]!.end();
    }
    await Promise.all(done);
    expect(batches.map(({ ids }) => ids)).toEqual([
      [0, 2, 4],
      [1, 3, 5],
      [6, 7],
    ]);
  });

  it('gathers calls while every batch allowed is under way, and takes no more than a batch holds', async () => {
    const { batches, lane } = held();
    const all = items(11);
    const done = all.map((item) => lane.submit([item]));
    await turn();
    expect(batches.map(({ ids }) => ids.length)).toEqual([4, 4]);
    expect(lane.length).toBe(3);
    batches[1]!.end();
    await turn();
    await turn();
    expect(batches.map(({ ids }) => ids)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10],
    ]);
    for (const { end } of batches) end();
    await Promise.all(done);
    expect(all.every(({ answered }) => answered)).toBe(true);
  });

  it('refuses what finds the queue full, but takes a call of any size that finds it empty', async () => {
    const { batches, lane } = held({ inFlight: 1, maxWaiting: 5 });
    const large = items(12);
    const done = lane.submit(large);
    await turn();
    const late = items(1);
    await lane.submit(late);
    expect(late[0]!.refused).toBe('8 rows wait, 5 may');
    for (let batch = 0; batch < 3; batch += 1) {
      batches[batch]!.end();
      await turn();
      await turn();
    }
    await done;
    expect(large.every(({ answered }) => answered)).toBe(true);
  });

  it('refuses what waited too long, and goes on with the others', async () => {
    const { batches, lane } = held({ inFlight: 1, maxWaitMs: 0 });
    const all = items(1);
    await lane.submit(all);
    expect(all[0]!.refused).toMatch(/^waited \d+ ms, 0 are allowed$/);
    expect(batches).toEqual([]);
  });

  it('answers a call whole once it has begun, however long its own rows take', async () => {
    const { batches, lane } = held({ inFlight: 1, maxWaitMs: 20 });
    const large = items(12);
    const done = lane.submit(large);
    for (let batch = 0; batch < 3; batch += 1) {
      await turn();
      await turn();
      await new Promise((resolve) => setTimeout(resolve, 25));
      batches[batch]!.end();
    }
    await done;
    expect(large.every(({ answered }) => answered)).toBe(true);
  });

  it('ends every call once, in batches within the bounds, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 5 }), { maxLength: 12 }),
        fc.record({
          maxBatch: fc.integer({ min: 1, max: 8 }),
          inFlight: fc.integer({ min: 1, max: 3 }),
          maxWaiting: fc.integer({ min: 1, max: 20 }),
        }),
        async (turns, limits) => {
          let underWay = 0;
          const run = async (batch: readonly Waited<Item>[]): Promise<void> => {
            underWay += 1;
            expect(underWay).toBeLessThanOrEqual(limits.inFlight);
            expect(batch.length).toBeLessThanOrEqual(limits.maxBatch);
            await turn();
            for (const { item } of batch) {
              expect(item.answered).toBe(false);
              item.answered = true;
            }
            underWay -= 1;
          };
          const refuse = (item: Item, reason: string): void => void (item.refused = reason);
          const lane = new Lane<Item>(run, refuse, { ...LIMITS, ...limits });
          const calls: { sent: Item[]; done: Promise<void> }[] = [];
          for (const sizes of turns) {
            for (const size of sizes) {
              const sent = items(size);
              calls.push({ sent, done: lane.submit(sent) });
            }
            await turn();
          }
          for (const { sent, done } of calls) {
            await done;
            for (const item of sent) expect(item.answered).toBe(item.refused === null);
          }
        },
      ),
    );
  });
});
