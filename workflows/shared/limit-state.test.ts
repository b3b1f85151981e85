import fc from 'fast-check';
import { LimitState } from './limit-state';

const LEASE_S = 10;
const claim = (holder: string, units: number, capacity: number, running = false) => ({
  holder,
  units,
  capacity,
  leaseSeconds: LEASE_S,
  running,
});

type Move =
  | { kind: 'claim'; holder: string; units: number }
  | { kind: 'renew' | 'release'; holder: string }
  | { kind: 'wait'; seconds: number };

const holder = fc.integer({ min: 0, max: 7 }).map((n) => `h${n}`);
const moves = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('claim' as const), holder, units: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constantFrom('renew' as const, 'release' as const), holder }),
    fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: LEASE_S }) }),
  ),
  { maxLength: 60 },
) as fc.Arbitrary<Move[]>;

/** Plays the moves; a holder that released comes back under another name, as runs do. */
function play(capacity: number, all: Move[], look: (state: LimitState, now: number) => void): LimitState {
  const state = new LimitState('m');
  const lives = new Map<string, number>();
  const asked = new Map<string, number>();
  const name = (of: string) => `${of}.${lives.get(of) ?? 0}`;
  let now = 0;
  for (const move of all) {
    if (move.kind === 'wait') {
      now += move.seconds * 1000;
      state.expire(now);
    } else if (move.kind === 'release') {
      state.release(name(move.holder), now);
      lives.set(move.holder, (lives.get(move.holder) ?? 0) + 1);
    } else {
      const who = name(move.holder);
      const units = asked.get(who) ?? ('units' in move ? move.units : 1);
      asked.set(who, units);
      state.claim(claim(who, units, capacity), now);
    }
    look(state, now);
  }
  return state;
}

describe('LimitState', () => {
  it('never gives more than there is, and never leaves free what the first in the queue could use', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 6 }), moves, (capacity, all) => {
        play(capacity, all, (state, now) => {
          const { held, queue } = state.data;
          expect(state.inUse).toBeLessThanOrEqual(capacity);
          const next = queue[0]?.units ?? Infinity;
          expect(state.inUse + next).toBeGreaterThan(capacity);
          const holders = [...held, ...queue].map((c) => c.holder);
          expect(new Set(holders).size).toBe(holders.length);
          for (const { expiresAt } of [...held, ...queue]) expect(expiresAt).toBeGreaterThan(now);
        });
      }),
    );
  });

  it('serves in the order of asking: nobody who stays in the queue is overtaken', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 6 }), moves, (capacity, all) => {
        let before: string[] = [];
        play(capacity, all, (state) => {
          const queue = state.data.queue.map((c) => c.holder);
          const held = new Set(state.data.held.map((c) => c.holder));
          const stayed = before.filter((name) => queue.includes(name));
          // Whoever waited goes on waiting in the same order, before whoever came since …
          expect(queue.slice(0, stayed.length)).toEqual(stayed);
          // … and who was granted out of the queue had nobody left before them.
          const granted = before.filter((name) => held.has(name));
          for (const name of granted) {
            const ahead = before.slice(0, before.indexOf(name));
            expect(ahead.filter((other) => queue.includes(other))).toEqual([]);
          }
          before = queue;
        });
      }),
    );
  });

  it('comes to everybody, as long as those who hold give back or are lost', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 6 }), moves, (capacity, all) => {
        let now = 0;
        const state = play(capacity, all, (_, at) => (now = at));
        const waiting = state.data.queue.map((c) => c.holder);
        const served: string[] = [];
        const look = () =>
          served.push(...waiting.filter((w) => state.standing(w).state === 'granted' && !served.includes(w)));
        for (; state.data.queue.length > 0; now += 1000) {
          for (const { holder: name, units } of state.data.queue.slice())
            state.claim(claim(name, units, capacity), now);
          look();
          state.release(state.data.held[0]!.holder, now);
          look();
        }
        expect(served).toEqual(waiting);
      }),
    );
  });

  it('takes what is asked twice for one, and what is given back twice for once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 6 }), moves, (capacity, all) => {
        const once = play(capacity, all, () => undefined);
        const twice = play(
          capacity,
          all.flatMap((move): Move[] =>
            move.kind === 'claim' || move.kind === 'renew' ? [move, move] : [move],
          ),
          () => undefined,
        );
        expect(twice.data).toEqual(once.data);
      }),
    );
    const state = new LimitState('m');
    state.claim(claim('a', 1, 1), 0);
    const [first, second] = [state.release('a', 1), state.release('a', 2)];
    expect(second).toEqual(first);
  });

  it('gives the units of who was killed to who waits, once the lease is over and not before', () => {
    const state = new LimitState('m');
    expect(state.claim(claim('dead', 1, 1), 0)).toMatchObject({ state: 'granted', place: 0, inUse: 1 });
    expect(state.claim(claim('next', 1, 1), 1)).toMatchObject({ state: 'queued', place: 1 });
    expect(state.nextExpiry).toBe(LEASE_S * 1000);
    state.claim(claim('next', 1, 1), LEASE_S * 1000 - 1);
    expect(state.standing('next').state).toBe('queued');
    state.expire(LEASE_S * 1000);
    expect(state.standing('next').state).toBe('granted');
    expect(state.standing('dead').state).toBe('absent');
  });

  it('lets a job that runs hold its units whatever was lost meanwhile, and gives nobody else any until it fits', () => {
    const state = new LimitState('m');
    state.claim(claim('other', 1, 1), 0);
    state.claim(claim('waiting', 1, 1), 0);
    expect(state.claim(claim('back', 1, 1, true), 1)).toMatchObject({ state: 'granted', inUse: 2 });
    state.release('other', 2);
    expect(state.standing('waiting').state).toBe('queued');
    state.release('back', 3);
    expect(state.standing('waiting').state).toBe('granted');
  });

  it('does not bring back who gave back, whatever renewal was still under way', () => {
    const state = new LimitState('m');
    state.claim(claim('a', 1, 1), 0);
    state.release('a', 1);
    expect(state.claim(claim('a', 1, 1, true), 2)).toMatchObject({ state: 'released', inUse: 0 });
    expect(state.claim(claim('a', 1, 1), 2).state).toBe('released');
  });

  it('follows the declared capacity up and down', () => {
    const state = new LimitState('m');
    for (const name of ['a', 'b', 'c', 'd']) state.claim(claim(name, 1, 1), 0);
    state.claim(claim('a', 1, 3), 1);
    expect(state.data.held.map((c) => c.holder)).toEqual(['a', 'b', 'c']);
    state.claim(claim('a', 1, 1), 2);
    state.release('b', 3);
    expect(state.standing('d')).toMatchObject({ state: 'queued', place: 1, capacity: 1, inUse: 2 });
  });
});
