import type { ReviewProgress, Submission, Vote } from '../../contracts/label-review';

/** What the reviewers of one event say of it. */
export interface Tally {
  /** Number of people by label, in the order of the labels. */
  counts: Map<string, number>;
  people: number;
  /** The label that most people gave; null where labels share the first place, and where there are none. */
  majority: string | null;
}

/**
 * The labels that stand: of two of a person for an event, the one of the later submission. Adding a submission twice, or
 * submissions in another order, gives the same.
 */
export function addSubmission(votes: readonly Vote[], submission: Submission): Vote[] {
  const { by, sequence, at, labels } = submission;
  const standing = new Map(votes.map((vote) => [voteKey(vote), vote]));
  for (const { event_id, label } of labels) {
    const vote: Vote = { event_id, label, by, sequence, at };
    const before = standing.get(voteKey(vote));
    if (before === undefined || before.sequence < sequence) standing.set(voteKey(vote), vote);
  }
  return [...standing.values()].sort(
    (a, b) => compareText(a.event_id, b.event_id) || compareText(a.by, b.by),
  );
}

const voteKey = ({ event_id, by }: Pick<Vote, 'event_id' | 'by'>): string => JSON.stringify([event_id, by]);

/** By code units: the same order everywhere. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Votes by event. */
export function votesByEvent(votes: readonly Vote[]): Map<string, Vote[]> {
  const byEvent = new Map<string, Vote[]>();
  for (const vote of votes) {
    const of = byEvent.get(vote.event_id);
    if (of) of.push(vote);
    else byEvent.set(vote.event_id, [vote]);
  }
  return byEvent;
}

export function tallyOf(votes: readonly Pick<Vote, 'label'>[]): Tally {
  const counts = new Map<string, number>();
  for (const label of votes.map((vote) => vote.label).sort(compareText))
    counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  const first = [...counts].filter(([, count]) => count === most).map(([label]) => label);
  return { counts, people: votes.length, majority: first.length === 1 ? first[0]! : null };
}

/** An event is covered once enough people have labelled it and one label was given most often. */
export const isCovered = ({ people, majority }: Tally, reviewersPerEvent: number): boolean =>
  people >= reviewersPerEvent && majority !== null;

/** @param events How many events the batch has, labelled or not. */
export function progressOf(
  votes: readonly Vote[],
  events: number,
  reviewersPerEvent: number,
  revision: number,
): ReviewProgress {
  const tallies = [...votesByEvent(votes).values()].map(tallyOf);
  const covered = tallies.filter((tally) => isCovered(tally, reviewersPerEvent)).length;
  const tied = tallies.filter(
    ({ people, majority }) => people >= reviewersPerEvent && majority === null,
  ).length;
  return {
    revision,
    events,
    covered,
    tied,
    // Where nothing is to be reviewed, nothing is missing.
    coverage: events === 0 ? 1 : covered / events,
    ...agreementOf(tallies),
    reviewers: reviewersOf(votes),
  };
}

/**
 * Observed agreement and Fleiss' kappa (Fleiss 1971, "Measuring nominal scale agreement among many raters") over the events
 * with two labels or more, each event with as many raters as it has: P = mean of Σ n_j (n_j − 1) / (n (n − 1)), and with
 * p_j the share of label j among all labels given, κ = (P − Σ p_j²) / (1 − Σ p_j²). κ is undefined, null, where only one
 * label was given at all.
 */
export function agreementOf(tallies: readonly Pick<Tally, 'counts' | 'people'>[]): {
  agreement: number | null;
  kappa: number | null;
} {
  const rated = tallies.filter(({ people }) => people >= 2);
  if (rated.length === 0) return { agreement: null, kappa: null };
  const given = new Map<string, number>();
  let sum = 0;
  let labels = 0;
  for (const { counts, people } of rated) {
    let equalPairs = 0;
    for (const [label, count] of counts) {
      equalPairs += count * (count - 1);
      given.set(label, (given.get(label) ?? 0) + count);
    }
    sum += equalPairs / (people * (people - 1));
    labels += people;
  }
  const agreement = sum / rated.length;
  if (given.size === 1) return { agreement, kappa: null };
  const chance = [...given.values()].reduce((total, count) => total + (count / labels) ** 2, 0);
  return { agreement, kappa: (agreement - chance) / (1 - chance) };
}

function reviewersOf(votes: readonly Vote[]): ReviewProgress['reviewers'] {
  const byPerson = new Map<string, { labels: number; lastAt: string }>();
  for (const { by, at } of votes) {
    const { labels, lastAt } = byPerson.get(by) ?? { labels: 0, lastAt: at };
    byPerson.set(by, { labels: labels + 1, lastAt: at > lastAt ? at : lastAt });
  }
  return [...byPerson]
    .map(([by, of]) => ({ by, ...of }))
    .sort((a, b) => b.labels - a.labels || compareText(a.by, b.by));
}
