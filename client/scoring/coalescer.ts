import { ConcurrencyLimit } from './concurrency-limit';

/** Sends one batch through one shard; the answers are in the order of the items. */
export type SendBatch<Item, Answer> = (items: Item[], shard: number) => Promise<Answer[]>;

export interface CoalescerOptions<Item> {
  /** Ways that batches go in parallel. */
  shards: number;
  /** The one taken where any will do: another one for each client, or all would meet in the same. */
  home: number;
  /** Batches under way in each, at most. */
  inFlight: number;
  /** Items of one batch. */
  maxItems: number;
  /** Weight of one batch, in the unit of `weigh`; an item alone may exceed it. */
  maxWeight: number;
  weigh: (item: Item) => number;
  /** The shard an item has to go through, or null where any will do. */
  shardOf: (item: Item) => number | null;
  /** What to tell the caller of an item that is not worth sending any more; null of any other. */
  dropWith: (item: Item) => Error | null;
}

interface Waiting<Item, Answer> {
  item: Item;
  shard: number | null;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** A batch that takes this many times the usual is stuck, with a worker that died perhaps: it holds back no others. */
const STUCK_FACTOR = 5;
const STUCK_AT_LEAST_MS = 100;

/**
 * Turns concurrent single calls into batches, without ever waiting for a call that is not there: a call goes at once
 * while fewer batches are under way than the other side is known to work on at a time, and gathers with others until then.
 */
export class Coalescer<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private readonly underWay: number[];
  private readonly stuck: number[];
  /** Batches under way, but for those that are stuck. */
  private moving = 0;
  /** Of each batch under way: the most that were while it was. */
  private readonly crowds = new Set<{ most: number }>();
  private scheduled = false;
  private readonly limit: ConcurrencyLimit;

  constructor(
    private readonly send: SendBatch<Item, Answer>,
    private readonly options: CoalescerOptions<Item>,
  ) {
    const { shards, inFlight } = options;
    this.underWay = Array.from({ length: shards }, () => 0);
    this.stuck = Array.from({ length: shards }, () => 0);
    this.limit = new ConcurrencyLimit({ least: 1, most: shards * inFlight });
  }

  call(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, shard: this.options.shardOf(item), resolve, reject });
      this.schedule();
    });
  }

  /** Once all calls of this turn of the event loop are in, so that those made together travel together. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.waiting.length > 0) {
      const shard = this.nextShard();
      if (shard === null) return;
      const batch = this.take(shard);
      if (batch.length > 0) void this.dispatch(batch, shard);
    }
  }

  /**
   * The way of the call that has waited longest and can go: where there is room for one more batch, or, lest calls wait for those of
   * every other shard, through its own shard if nothing is under way there.
   */
  private nextShard(): number | null {
    const freest = this.freest();
    const hasRoom = this.moving < this.limit.current;
    for (const { shard } of this.waiting) {
      const way = shard ?? freest;
      if (this.isOpen(way) && (hasRoom || (shard !== null && this.underWay[shard] === 0))) return way;
    }
    return null;
  }

  private isOpen = (shard: number): boolean => this.underWay[shard]! < this.options.inFlight;

  /** The shard with the least under way, from this client's own on; one where a batch is stuck only if there is no other. */
  private freest(): number {
    const { shards, home } = this.options;
    let best = home;
    for (let next = 1; next < shards; next += 1) {
      const shard = (home + next) % shards;
      if (this.burden(shard) < this.burden(best)) best = shard;
    }
    return best;
  }

  private burden = (shard: number): number =>
    this.underWay[shard]! + (this.stuck[shard]! > 0 ? this.options.inFlight : 0);

  /** The longest waiting of those that can go through the shard, as many as fit. */
  private take(shard: number): Waiting<Item, Answer>[] {
    const { maxItems, maxWeight, weigh, dropWith } = this.options;
    const batch: Waiting<Item, Answer>[] = [];
    const left: Waiting<Item, Answer>[] = [];
    let weight = 0;
    for (const one of this.waiting) {
      const reason = dropWith(one.item);
      if (reason) {
        one.reject(reason);
      } else if (
        (one.shard ?? shard) === shard &&
        batch.length < maxItems &&
        (batch.length === 0 || weight + weigh(one.item) <= maxWeight)
      ) {
        weight += weigh(one.item);
        batch.push(one);
      } else {
        left.push(one);
      }
    }
    this.waiting = left;
    return batch;
  }

  private async dispatch(batch: Waiting<Item, Answer>[], shard: number): Promise<void> {
    const begun = performance.now();
    this.underWay[shard]! += 1;
    this.moving += 1;
    for (const other of this.crowds) other.most = Math.max(other.most, this.moving);
    const crowd = { most: this.moving };
    this.crowds.add(crowd);
    let isStuck = false;
    const patienceMs = Math.max(STUCK_AT_LEAST_MS, STUCK_FACTOR * this.limit.usualMs);
    const timer = setTimeout(() => {
      isStuck = true;
      this.stuck[shard]! += 1;
      this.moving -= 1;
      this.schedule();
    }, patienceMs);
    try {
      const answers = await this.send(
        batch.map(({ item }) => item),
        shard,
      );
      this.limit.answered(Math.min(performance.now() - begun, patienceMs), crowd.most, batch.length);
      batch.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      clearTimeout(timer);
      this.crowds.delete(crowd);
      this.underWay[shard]! -= 1;
      if (isStuck) this.stuck[shard]! -= 1;
      else this.moving -= 1;
      this.schedule();
    }
  }
}
