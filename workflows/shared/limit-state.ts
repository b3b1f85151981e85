import type { LimitClaim, LimitClaimant, LimitStanding } from '../../contracts/limits';

interface Claim extends LimitClaimant {
  /** Epoch milliseconds: when it is lost unless it is asked for again. */
  expiresAt: number;
}

export interface LimitStateData {
  capacity: number;
  held: Claim[];
  /** In the order of asking. */
  queue: Claim[];
  /** Who gave back, newest last: a renewal that was under way meanwhile must not bring them back. */
  released: string[];
}

const REMEMBERED = 200;

/**
 * The state of `limit`, and its rules: first come, first served, nobody overtakes; what is not asked for again in time is
 * lost. Pure: no clock, no I/O.
 */
export class LimitState {
  constructor(
    readonly name: string,
    readonly data: LimitStateData = { capacity: 0, held: [], queue: [], released: [] },
  ) {}

  get inUse(): number {
    return this.data.held.reduce((sum, { units }) => sum + units, 0);
  }

  /** When the next claim is lost unless it is asked for again; null where there is none. */
  get nextExpiry(): number | null {
    const all = [...this.data.held, ...this.data.queue];
    return all.length === 0 ? null : Math.min(...all.map(({ expiresAt }) => expiresAt));
  }

  /** Asks for units, or again: whoever is known keeps what it has, or its place. */
  claim({ holder, units, leaseSeconds, capacity, running }: LimitClaim, now: number): LimitStanding {
    const { data } = this;
    data.capacity = capacity;
    this.expire(now);
    if (data.released.includes(holder)) return this.standing(holder);
    const known = [...data.held, ...data.queue].find((claim) => claim.holder === holder);
    const claim = known ?? { holder, units, since: now, expiresAt: 0 };
    claim.expiresAt = now + leaseSeconds * 1000;
    if (running) this.hold(claim, now);
    else if (!known) data.queue.push(claim);
    this.grant(now);
    return this.standing(holder);
  }

  release(holder: string, now: number): LimitStanding {
    const { data } = this;
    this.drop((claim) => claim.holder === holder);
    if (!data.released.includes(holder)) data.released = [...data.released, holder].slice(-REMEMBERED);
    this.expire(now);
    return this.standing(holder);
  }

  /** Takes away what was not asked for again in time, and gives it to who waits. */
  expire(now: number): void {
    this.drop(({ expiresAt }) => expiresAt <= now);
    this.grant(now);
  }

  standing(holder: string): LimitStanding {
    const { held, queue, released, capacity } = this.data;
    const of = ({ holder: name }: Claim) => name === holder;
    const claim = held.find(of) ?? queue.find(of);
    const known = held.some(of) ? 'granted' : 'queued';
    return {
      name: this.name,
      holder,
      state: claim ? known : released.includes(holder) ? 'released' : 'absent',
      units: claim?.units ?? 0,
      capacity,
      inUse: this.inUse,
      place: queue.findIndex(of) + 1,
    };
  }

  private hold(claim: Claim, now: number): void {
    const { data } = this;
    if (data.held.includes(claim)) return;
    data.queue = data.queue.filter((waiting) => waiting !== claim);
    data.held.push({ ...claim, since: now });
  }

  private grant(now: number): void {
    const { data } = this;
    for (let first = data.queue[0]; first && this.inUse + first.units <= data.capacity; first = data.queue[0])
      this.hold(first, now);
  }

  private drop(goes: (claim: Claim) => boolean): void {
    this.data.held = this.data.held.filter((claim) => !goes(claim));
    this.data.queue = this.data.queue.filter((claim) => !goes(claim));
  }
}
