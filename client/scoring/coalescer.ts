/** Sends one batch through one shard; the answers are in the order of the items. */
export type SendBatch<Item, Answer> = (items: Item[], shard: number) => Promise<Answer[]>;

export interface CoalescerOptions {
  /** Ways that batches go in parallel. */
  shards: number;
  /** Batches under way in each. */
  inFlight: number;
  /** Items of one batch. */
  maxItems: number;
}

interface Waiting<Item, Answer> {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Turns concurrent single calls into batches, without ever waiting for a call that is not there: a call goes at once
 * while little is under way, and gathers with others exactly as long as the other side is busy.
 */
export class Coalescer<Item, Answer> {
  private readonly waiting: Waiting<Item, Answer>[] = [];
  private readonly underWay: number[];
  private total = 0;
  private scheduled = false;

  constructor(
    private readonly send: SendBatch<Item, Answer>,
    private readonly options: CoalescerOptions,
  ) {
    this.underWay = Array.from({ length: options.shards }, () => 0);
  }

  call(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
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
    while (this.waiting.length > 0 && this.waiting.length >= this.worthSending()) {
      const shard = this.freest();
      if (this.underWay[shard]! >= this.options.inFlight) return;
      void this.dispatch(this.waiting.splice(0, this.options.maxItems), shard);
    }
  }

  /**
   * How many calls must wait before one more batch is worth its cost: with two batches under way the other side is
   * busy, and lone calls in lone batches would only make it busier (measured: a server at 300 lone updates a second
   * answers more slowly than at thousands of gathered calls).
   */
  private worthSending(): number {
    return this.total < 2 ? 1 : Math.min(2 ** this.total, this.options.maxItems);
  }

  private freest(): number {
    let best = 0;
    for (let shard = 1; shard < this.underWay.length; shard += 1)
      if (this.underWay[shard]! < this.underWay[best]!) best = shard;
    return best;
  }

  private async dispatch(batch: Waiting<Item, Answer>[], shard: number): Promise<void> {
    this.underWay[shard]! += 1;
    this.total += 1;
    try {
      const answers = await this.send(
        batch.map(({ item }) => item),
        shard,
      );
      batch.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.underWay[shard]! -= 1;
      this.total -= 1;
      this.schedule();
    }
  }
}
