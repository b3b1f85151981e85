import { isCovered, tallyOf, votesByEvent } from '../../activities/labels/agreement';
import { listReviews, readBatch, readManifest } from '../../activities/labels/batch';
import { readVotes, refuseUnfit } from '../../activities/labels/votes';
import { readWithheld } from '../../activities/labels/withheld';
import { ErrorCode, MeridianError, show, type FieldProblem } from '../../contracts/errors';
import type { GivenLabel, ReviewEvent, ReviewManifest, Vote } from '../../contracts/label-review';
import type { ObjectStore } from '../../platform/s3';
import type { CsvRow } from './csv';

/** A review as it stands. */
export interface Review {
  manifest: ReviewManifest;
  /** But for those that are withheld. */
  events: ReviewEvent[];
  votes: Vote[];
  /** IDs of events of the batch that belong to somebody who has opted out since it was drawn. */
  withheld: ReadonlySet<string>;
}

/**
 * The quarter of a model's newest review, or the one asked for.
 * @throws MeridianError InvalidInput where no such review was opened
 */
export async function findQuarter(store: ObjectStore, model: string, quarter?: string): Promise<string> {
  const opened = await listReviews(store, model);
  const found = quarter === undefined ? opened.at(-1) : opened.find((one) => one === quarter);
  if (found !== undefined) return found;
  const known = opened.join(', ') || '(none opened)';
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${model}: found no label review${quarter === undefined ? '' : ` of ${quarter}`} (opened: ${known}). ` +
      `Open one with \`npx meridian labels open ${model}\`.`,
    [{ field: 'quarter', found: show(quarter), expected: `one of ${known}` }],
  );
}

export async function readReview(store: ObjectStore, model: string, quarter?: string): Promise<Review> {
  const found = await findQuarter(store, model, quarter);
  const [manifest, batch, { votes }] = await Promise.all([
    readManifest(store, model, found),
    readBatch(store, model, found),
    readVotes(store, model, found),
  ]);
  const withheld = await readWithheld(store, manifest);
  return { manifest, events: batch.filter(({ event_id }) => !withheld.has(event_id)), votes, withheld };
}

/**
 * The events that wait for this person: those not covered that the person has not labelled. Those with the most labels
 * come first, since they are covered soonest; then as in the batch.
 */
export function eventsFor({ manifest, events, votes }: Review, by: string, count: number): ReviewEvent[] {
  const given = votesByEvent(votes);
  const of = ({ event_id }: ReviewEvent): Vote[] => given.get(event_id) ?? [];
  return events
    .filter(
      (event) =>
        !isCovered(tallyOf(of(event)), manifest.settings.reviewersPerEvent) &&
        of(event).every((vote) => vote.by !== by),
    )
    .sort((a, b) => of(b).length - of(a).length)
    .slice(0, count);
}

export const EXPORT_COLUMNS = [
  'event_id',
  'text',
  'label',
  'reason',
  'detail',
  'current_label',
  'predicted_label',
  'score',
];

/** The whole batch as rows of a CSV file; `label` is what this person has given so far, and is to be filled in. */
export function exportRows({ events, votes }: Review, by: string): CsvRow[] {
  const mine = new Map(
    votes.filter((vote) => vote.by === by).map(({ event_id, label }) => [event_id, label]),
  );
  return events.map(({ event_id, text, reason, detail, label, predicted_label, score }) => ({
    event_id,
    text,
    label: mine.get(event_id) ?? '',
    reason,
    detail,
    current_label: label ?? '',
    predicted_label: predicted_label ?? '',
    score: score === null ? '' : String(score),
  }));
}

/** Labels of `event=label` words; the first equals sign parts them. @throws MeridianError InvalidInput */
export function parsePairs(pairs: readonly string[]): GivenLabel[] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at > 0 && at < pair.length - 1) return { event_id: pair.slice(0, at), label: pair.slice(at + 1) };
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `Expected event=label, found ${show(pair)}. Nothing was submitted.`,
      [{ field: 'labels', found: show(pair), expected: 'event=label' }],
    );
  });
}

/** The rows of a CSV file that have a label; those without one are not labelled yet. */
export const labelsOfRows = (rows: readonly CsvRow[]): GivenLabel[] =>
  rows
    .filter(({ label }) => label !== '')
    .map(({ event_id, label }) => ({ event_id: event_id!, label: label! }));

/** Checks all labels before the first of them is sent. @throws MeridianError InvalidInput listing what is wrong. */
export function checkLabels({ manifest, events, withheld }: Review, labels: readonly GivenLabel[]): void {
  const problems: FieldProblem[] = [];
  if (labels.length === 0) problems.push({ field: 'labels', found: 'none', expected: 'at least one label' });
  const seen = new Set<string>();
  for (const [index, { event_id }] of labels.entries()) {
    if (seen.has(event_id))
      problems.push({
        field: `labels.${index}.event_id`,
        found: show(event_id),
        expected: 'each event once',
      });
    seen.add(event_id);
  }
  if (problems.length > 0) {
    const told = problems.map((p) => `${p.field}: expected ${p.expected}, found ${p.found}`).slice(0, 20);
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `${told.join('; ')}. Nothing was submitted.`,
      problems.slice(0, 20),
    );
  }
  // Whoever exported the batch before somebody opted out has rows of theirs: they are taken, and count for nothing.
  refuseUnfit(manifest, new Set([...events.map(({ event_id }) => event_id), ...withheld]), labels);
}

/** What one update carries: far below what a history takes at once. */
const LABELS_A_SUBMISSION = 500;
const BYTES_A_SUBMISSION = 128 * 1024;

/** Cuts labels into submissions. */
export function submissionsOf(labels: readonly GivenLabel[]): GivenLabel[][] {
  const submissions: GivenLabel[][] = [];
  let bytes = 0;
  for (const label of labels) {
    const size = Buffer.byteLength(JSON.stringify(label));
    const last = submissions.at(-1);
    if (last && last.length < LABELS_A_SUBMISSION && bytes + size <= BYTES_A_SUBMISSION) {
      last.push(label);
      bytes += size;
    } else {
      submissions.push([label]);
      bytes = size;
    }
  }
  return submissions;
}
