import fc from 'fast-check';
import type { Submission, Vote } from '../../contracts/label-review';
import { addSubmission, agreementOf, isCovered, progressOf, tallyOf, votesByEvent } from './agreement';

const LABELS = ['a', 'b', 'c'];
const PEOPLE = ['ana', 'ben', 'cy', 'constructor', '__proto__'];
const EVENTS = ['E1', 'E2', 'E3', '__proto__'];

const submissions = fc
  .array(
    fc.record({
      by: fc.constantFrom(...PEOPLE),
      labels: fc.uniqueArray(
        fc.record({ event_id: fc.constantFrom(...EVENTS), label: fc.constantFrom(...LABELS) }),
        { minLength: 1, selector: ({ event_id }) => event_id },
      ),
    }),
    { maxLength: 20 },
  )
  .map((all) =>
    all.map((one, index): Submission => ({
      formatVersion: 1,
      submissionId: String(index),
      sequence: index + 1,
      at: new Date(index * 1000).toISOString(),
      ...one,
    })),
  );

const fold = (all: readonly Submission[]): Vote[] => all.reduce<Vote[]>(addSubmission, []);

/** What the same submissions come to, counted as plainly as can be: the last label of a person for an event stands. */
function plainly(all: readonly Submission[], reviewersPerEvent: number) {
  const standing: { event_id: string; by: string; label: string }[] = [];
  for (const { by, labels } of all) {
    for (const { event_id, label } of labels) {
      const before = standing.findIndex((one) => one.event_id === event_id && one.by === by);
      if (before >= 0) standing.splice(before, 1);
      standing.push({ event_id, by, label });
    }
  }
  const of = (event: string) =>
    standing.filter(({ event_id }) => event_id === event).map(({ label }) => label);
  const winner = (labels: string[]): string | null =>
    LABELS.find((one) =>
      LABELS.every(
        (other) =>
          other === one ||
          labels.filter((label) => label === one).length > labels.filter((label) => label === other).length,
      ),
    ) ?? null;
  const shares = EVENTS.map(of)
    .filter((labels) => labels.length >= 2)
    .map((labels) => {
      const pairs = labels.flatMap((a, i) => labels.slice(i + 1).map((b) => a === b));
      return pairs.filter(Boolean).length / pairs.length;
    });
  return {
    majorities: EVENTS.map((event) => winner(of(event))),
    covered: EVENTS.filter((event) => of(event).length >= reviewersPerEvent && winner(of(event)) !== null)
      .length,
    agreement: shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    labelsBy: PEOPLE.map((person) => standing.filter(({ by }) => by === person).length),
  };
}

it('comes to what plain counting comes to', () => {
  fc.assert(
    fc.property(submissions, fc.integer({ min: 1, max: 4 }), (all, reviewersPerEvent) => {
      const votes = fold(all);
      const expected = plainly(all, reviewersPerEvent);
      const tallies = votesByEvent(votes);
      expect(EVENTS.map((event) => tallyOf(tallies.get(event) ?? []).majority)).toEqual(expected.majorities);
      const progress = progressOf(votes, EVENTS.length, reviewersPerEvent, 1);
      expect(progress.covered).toBe(expected.covered);
      expect(progress.agreement ?? -1).toBeCloseTo(expected.agreement ?? -1, 12);
      expect(PEOPLE.map((person) => progress.reviewers.find(({ by }) => by === person)?.labels ?? 0)).toEqual(
        expected.labelsBy,
      );
    }),
  );
});

it('counts the same in whatever order submissions are counted, and however often', () => {
  const shuffled = submissions.chain((all) =>
    fc.tuple(
      fc.constant(all),
      fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2, maxLength: all.length * 2 }),
    ),
  );
  fc.assert(fc.property(shuffled, ([all, again]) => expect(fold(again)).toEqual(fold(all))));
});

/** As many people as the counts say, by label. */
const tally = (...counts: [string, number][]) =>
  tallyOf(counts.flatMap(([label, count]) => Array.from({ length: count }, () => ({ label }))));

it('takes the label that most people gave; a tie needs another reviewer', () => {
  expect(tally(['a', 2], ['b', 1])).toMatchObject({ majority: 'a', people: 3 });
  expect(isCovered(tally(['a', 2]), 2)).toBe(true);
  expect(isCovered(tally(['a', 1]), 2)).toBe(false);
  expect(tally(['a', 1], ['b', 1]).majority).toBeNull();
  expect(isCovered(tally(['a', 1], ['b', 1]), 2)).toBe(false);
  expect(tally().majority).toBeNull();
});

describe('agreement', () => {
  // Fleiss' worked example: ten subjects, fourteen raters, five categories.
  const table = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
  ];

  it('is what Fleiss found', () => {
    const tallies = table.map((counts) =>
      tally(...counts.map((count, index): [string, number] => [`category ${index}`, count])),
    );
    const { agreement, kappa } = agreementOf(tallies);
    expect(agreement).toBeCloseTo(0.378, 3);
    expect(kappa).toBeCloseTo(0.21, 3);
  });

  it('is undefined where no event has two labels, and uncorrected where only one label was given', () => {
    expect(agreementOf([tally(['a', 1])])).toEqual({ agreement: null, kappa: null });
    expect(agreementOf([tally(['a', 2]), tally(['a', 3])])).toEqual({ agreement: 1, kappa: null });
    expect(agreementOf([tally(['a', 1], ['b', 1]), tally(['a', 2])]).agreement).toBe(0.5);
  });
});
