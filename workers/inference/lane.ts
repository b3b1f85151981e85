/** Bounds of one model's queue. */
export interface LaneLimits {
  /** Items of one batch. */
  maxBatch: number;
  /** Batches under way: one more than a graph on slots can compute at a time, or how many look-ups may overlap. */
  inFlight: number;
  /** Items that wait; beyond them calls are refused. A call that finds the queue empty is taken whatever its size. */
  maxWaiting: number;
  /** Milliseconds an item may wait for its batch; beyond them it is refused, unless others of its call were taken in time. */
  maxWaitMs: number;
}

export interface Waited<Item> {
  item: Item;
  /** Milliseconds in the queue. */
  waitedMs: number;
}

/** Answers the items of a batch; never rejects: what goes wrong with an item is noted on it. */
export type RunBatch<Item> = (batch: readonly Waited<Item>[]) => Promise<void>;

/** Notes on an item that it was not taken: the queue is full, or it waited too long. */
export type Refuse<Item> = (item: Item, reason: string) => void;

interface Ticket {
  /** Whether a batch has taken some of its items: then it takes the others, however long they wait for those before them. */
  begun: boolean;
  left: number;
  done: () => void;
}

interface Waiting<Item> {
  item: Item;
  ticket: Ticket;
  since: number;
  size: number;
}

/**
 * Adaptive micro-batching: takes what is waiting, up to a bound, and never waits for what is not there. Calls of one turn
 * of the event loop travel together; while all batches allowed are under way, further calls gather.
 */
export class Lane<Item> {
  private waiting: Waiting<Item>[] = [];
  private underWay = 0;
  private scheduled = false;

  /**
   * @param sizeOf where items of like size are better scored together: a batch has the one that has waited longest, and those most
   * like it
   */
  constructor(
    private readonly run: RunBatch<Item>,
    private readonly refuse: Refuse<Item>,
    private readonly limits: LaneLimits,
    private readonly sizeOf: (item: Item) => number = () => 0,
  ) {}

  /** Items that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /** Resolves once every item is answered or refused. */
  submit(items: readonly Item[]): Promise<void> {
    const { maxWaiting } = this.limits;
    if (this.waiting.length > 0 && this.waiting.length + items.length > maxWaiting) {
      for (const item of items) this.refuse(item, `${this.waiting.length} rows wait, ${maxWaiting} may`);
      return Promise.resolve();
    }
    return new Promise((done) => {
      const ticket: Ticket = { begun: false, left: items.length, done };
      const since = performance.now();
      for (const item of items) this.waiting.push({ item, ticket, since, size: this.sizeOf(item) });
      if (items.length === 0) done();
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.length === 0 || this.underWay >= this.limits.inFlight) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.underWay < this.limits.inFlight) {
      void this.answer(this.take());
    }
  }

  private take(): Waiting<Item>[] {
    const { waiting } = this;
    const { maxBatch } = this.limits;
    const size = waiting[0]!.size;
    if (waiting.length <= maxBatch || waiting.every((one) => one.size === size))
      return waiting.splice(0, maxBatch);
    // Stable: of those that are alike, the longest waiting comes first.
    const byLikeness = waiting.toSorted((a, b) => Math.abs(a.size - size) - Math.abs(b.size - size));
    const taken = byLikeness.slice(0, maxBatch);
    const isTaken = new Set(taken);
    this.waiting = waiting.filter((one) => !isTaken.has(one));
    return taken;
  }

  private async answer(taken: readonly Waiting<Item>[]): Promise<void> {
    const now = performance.now();
    const batch: Waited<Item>[] = [];
    for (const { item, since, ticket } of taken) {
      const waitedMs = now - since;
      ticket.begun ||= waitedMs <= this.limits.maxWaitMs;
      if (ticket.begun) batch.push({ item, waitedMs });
      else this.refuse(item, `waited ${Math.round(waitedMs)} ms, ${this.limits.maxWaitMs} are allowed`);
    }
    this.underWay += 1;
    try {
      if (batch.length > 0) await this.run(batch);
    } finally {
      this.underWay -= 1;
      for (const { ticket } of taken) {
        ticket.left -= 1;
        if (ticket.left === 0) ticket.done();
      }
      this.schedule();
    }
  }
}
