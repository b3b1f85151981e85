export interface ConcurrencyBounds {
  least: number;
  most: number;
}

/**
 * Batches that may queue on the other side: fewer, and more may go; more, and fewer may. A second batch that makes both take a
 * third as long again still gains; beyond that its overhead costs more, as where server, worker and callers share two cores.
 */
const QUEUED = { least: 0.15, most: 0.5 };
const STEP = { up: 0.1, down: 0.2 };
/** What a batch takes alone is looked at again when it has not been seen for so long: worker or server may have changed. */
const LOOK_AGAIN_MS = 10_000;

/**
 * How many batches may be under way at a time: as many as the other side works on at once, and hardly more. TCP Vegas
 * (Brakmo and Peterson, 1995): of `n` under way, `n × (1 − alone / now)` wait on the other side, where `alone` is the shortest
 * time that a batch of such a size took, and `now` what it took. Where that is little, one more may go; where it is much, it is the
 * other side that is slow, and what comes on top gathers here into larger batches, which cost it hardly more than small ones.
 * As in TCP BBR (Cardwell et al., 2016) all but one are held back for a moment now and then, since what a batch takes alone
 * may have changed.
 */
export class ConcurrencyLimit {
  private limit: number;
  /** Of each size, by quarters of a power of two: milliseconds a batch took at best, and since when that is so. */
  private readonly alone = new Map<number, { ms: number; since: number }>();
  private aloneAt = Number.NEGATIVE_INFINITY;
  private usual = 0;

  constructor(
    private readonly bounds: ConcurrencyBounds,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.limit = bounds.least;
  }

  get current(): number {
    return this.isOld(this.aloneAt) ? this.bounds.least : Math.floor(this.limit);
  }

  /** Milliseconds a batch takes of late; 0 while none was answered. */
  get usualMs(): number {
    return this.usual;
  }

  /** @param underWay the most batches under way while this one was, itself included */
  answered(tookMs: number, underWay: number, items: number): void {
    this.usual = smoothed(this.usual, tookMs);
    const isAlone = underWay === 1;
    if (isAlone && this.isOld(this.aloneAt)) this.aloneAt = this.now();
    const alone = this.bestOf(Math.round(4 * Math.log2(items)), tookMs, isAlone);
    const queued = underWay * (1 - alone / tookMs);
    // What was not used says nothing of whether more would be too many.
    if (queued < QUEUED.least && underWay >= Math.floor(this.limit)) this.limit += STEP.up;
    else if (queued > QUEUED.most) this.limit -= STEP.down;
    this.limit = Math.min(this.bounds.most, Math.max(this.bounds.least, this.limit));
  }

  private bestOf(size: number, tookMs: number, isAlone: boolean): number {
    const known = this.alone.get(size);
    const isNew = !known || (isAlone && this.isOld(known.since));
    const best = isNew ? { ms: tookMs, since: this.now() } : { ...known, ms: Math.min(known.ms, tookMs) };
    this.alone.set(size, best);
    return best.ms;
  }

  private isOld = (since: number): boolean => this.now() - since > LOOK_AGAIN_MS;
}

const smoothed = (before: number, now: number): number => (before === 0 ? now : before + (now - before) / 4);
