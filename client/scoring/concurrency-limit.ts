export interface ConcurrencyBounds {
  least: number;
  most: number;
}

/**
 * Batches that may queue on the other side: fewer, and more may go; more, and fewer may. A second batch that makes both
 * take half as long again still gains; one that makes both take twice as long gains nothing, and costs its own overhead.
 */
const QUEUED = { least: 0.3, most: 0.7 };
const STEP = { up: 0.1, down: 0.2 };
/** What a batch takes alone is looked at again when it has not been seen for so long: worker or server may have changed. */
const LOOK_AGAIN_MS = 10_000;

/**
 * How many batches may be under way at a time: as many as the other side works on at once, and hardly more. TCP Vegas
 * (Brakmo and Peterson, 1995): of `n` under way, `n × (1 − alone / now)` wait on the other side, where `alone` is the time a batch takes
 * by itself, the shortest seen, and `now` what it took. Where that is little, one more may go; where it is much, it is the other side that is slow, and
 * what comes on top gathers here into larger batches, which cost it hardly more than small ones. As in TCP BBR (Cardwell et al.,
 * 2016) all but one are held back for a moment now and then, so that `alone` is known under lasting load too.
 */
export class ConcurrencyLimit {
  private limit: number;
  private alone = Number.POSITIVE_INFINITY;
  private aloneAt = Number.NEGATIVE_INFINITY;
  private usual = 0;

  constructor(
    private readonly bounds: ConcurrencyBounds,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.limit = bounds.least;
  }

  get current(): number {
    return this.isKnown ? Math.floor(this.limit) : 1;
  }

  private get isKnown(): boolean {
    return this.now() - this.aloneAt <= LOOK_AGAIN_MS;
  }

  /** Milliseconds a batch takes of late; 0 while none was answered. */
  get usualMs(): number {
    return this.usual;
  }

  /** @param underWay the most batches under way while this one was, itself included */
  answered(tookMs: number, underWay: number): void {
    this.usual = smoothed(this.usual, tookMs);
    if (underWay === 1 && !this.isKnown) {
      this.alone = tookMs;
      this.aloneAt = this.now();
    }
    // The shortest, as a first batch, a pause of either side or a large batch takes longer, and says nothing of queues.
    this.alone = Math.min(this.alone, tookMs);
    const queued = underWay * (1 - this.alone / tookMs);
    // What was not used says nothing of whether more would be too many.
    if (queued < QUEUED.least && underWay >= Math.floor(this.limit)) this.limit += STEP.up;
    else if (queued > QUEUED.most) this.limit -= STEP.down;
    this.limit = Math.min(this.bounds.most, Math.max(this.bounds.least, this.limit));
  }
}

const smoothed = (before: number, now: number): number => (before === 0 ? now : before + (now - before) / 4);
