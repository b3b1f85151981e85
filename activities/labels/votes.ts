import { ErrorCode, MeridianError, show, type FieldProblem } from '../../contracts/errors';
import {
  type GivenLabel,
  type ReviewManifest,
  type ReviewProgress,
  type Submission,
  type SubmissionReceipt,
  type Vote,
} from '../../contracts/label-review';
import { mask } from '../../contracts/masking';
import { sha256, type ObjectStore } from '../../platform/s3';
import { addSubmission } from './agreement';
import { readManifest, reviewKeys } from './batch';
import { progressWithout, readEventIds, readWithheld } from './withheld';

/** `votes.json`: the labels that stand, folded from the submissions, which are the truth. */
interface VotesFile {
  formatVersion: 1;
  revision: number;
  votes: Vote[];
}

export interface SubmissionRequest {
  model: string;
  quarter: string;
  submission: Omit<Submission, 'formatVersion'>;
}

/**
 * Keeps a submission under the hash of its ID, and counts it. Keeping and counting are idempotent each, so that a
 * submission that was kept and not counted is counted when it comes again, and counts once however often it comes. Labels
 * of events that are withheld by now are kept and do not count: who labels cannot know of it.
 * @throws MeridianError InvalidInput listing each label that fits no event of the batch or no class; Conflict where the ID
 * stands for another submission.
 */
export async function recordSubmission(
  store: ObjectStore,
  { model, quarter, submission: asked }: SubmissionRequest,
): Promise<SubmissionReceipt> {
  const manifest = await readManifest(store, model, quarter);
  const { all, withheld } = await readEventIds(store, manifest);
  refuseUnfit(manifest, all, asked.labels);
  const submission = await keep(store, model, quarter, { formatVersion: 1, ...asked });
  return {
    submissionId: submission.submissionId,
    labels: submission.labels.length,
    duplicate: submission.sequence !== asked.sequence,
    progress: await count(store, manifest, submission, withheld),
  };
}

const SHOWN = 20;

/** @throws MeridianError InvalidInput listing each label that fits no event of the batch or no class */
export function refuseUnfit(
  { classes, entity, quarter }: ReviewManifest,
  events: ReadonlySet<string>,
  labels: readonly GivenLabel[],
): void {
  const known = new Set(classes);
  const problems = labels.flatMap(({ event_id, label }, index): FieldProblem[] => [
    ...(events.has(event_id)
      ? []
      : [
          {
            field: `labels.${index}.event_id`,
            found: entity.personal ? mask(event_id) : show(event_id),
            expected: `an event of the batch of ${quarter}`,
          },
        ]),
    ...(known.has(label)
      ? []
      : [{ field: `labels.${index}.label`, found: show(label), expected: `one of ${listed(classes)}` }]),
  ]);
  if (problems.length === 0) return;
  const told = problems.slice(0, SHOWN).map((p) => `${p.field}: expected ${p.expected}, found ${p.found}`);
  if (problems.length > SHOWN) told.push(`and ${problems.length - SHOWN} more`);
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `submitLabels: ${told.join('; ')}. Nothing was counted. Correct these and submit all of them again.`,
    problems.slice(0, SHOWN),
  );
}

const listed = (classes: readonly string[]): string =>
  classes.length > SHOWN
    ? `${classes.slice(0, SHOWN).join(', ')} and ${classes.length - SHOWN} more`
    : classes.join(', ');

/** The submission as it is kept: this one, or the same as it came first. */
async function keep(
  store: ObjectStore,
  model: string,
  quarter: string,
  submission: Submission,
): Promise<Submission> {
  const { submissionId, by, labels } = submission;
  const key = `${reviewKeys(model, quarter).submissions}${sha256(submissionId)}.json`;
  if (await store.create(key, JSON.stringify(submission))) return submission;
  const kept = await store.getJson<Submission>(key);
  if (kept.by === by && JSON.stringify(kept.labels) === JSON.stringify(labels)) return kept;
  throw new MeridianError(
    ErrorCode.Conflict,
    `submitLabels: submission ${show(submissionId)} was received at ${kept.at}, by ${kept.by}, with ${kept.labels.length} ` +
      `other labels; found ${labels.length} by ${by}. Nothing was counted. Submit these under another submissionId.`,
    [{ field: 'submissionId', found: show(submissionId), expected: 'an ID of its own' }],
  );
}

async function count(
  store: ObjectStore,
  manifest: ReviewManifest,
  submission: Submission,
  withheld: ReadonlySet<string>,
): Promise<ReviewProgress> {
  const { model, quarter } = manifest;
  for (;;) {
    const { file, etag } = await findVotes(store, model, quarter);
    const votes = addSubmission(file.votes, submission);
    const same = JSON.stringify(votes) === JSON.stringify(file.votes);
    const revision = same ? file.revision : file.revision + 1;
    if (same || (await write(store, model, quarter, { formatVersion: 1, revision, votes }, etag)))
      return progressWithout(manifest, { votes, revision }, withheld);
  }
}

/** False where another write came first. */
function write(
  store: ObjectStore,
  model: string,
  quarter: string,
  file: VotesFile,
  etag: string | null,
): Promise<boolean> {
  const key = reviewKeys(model, quarter).votes;
  const body = JSON.stringify(file);
  return etag === null ? store.create(key, body) : store.replace(key, body, etag);
}

async function findVotes(
  store: ObjectStore,
  model: string,
  quarter: string,
): Promise<{ file: VotesFile; etag: string | null }> {
  const found = await store.find(reviewKeys(model, quarter).votes);
  if (!found) return { file: { formatVersion: 1, revision: 0, votes: [] }, etag: null };
  return { file: JSON.parse(found.body.toString('utf8')) as VotesFile, etag: found.etag };
}

/** The labels that stand, in the order of their events. */
export const readVotes = async (
  store: ObjectStore,
  model: string,
  quarter: string,
): Promise<{ revision: number; votes: Vote[] }> => (await findVotes(store, model, quarter)).file;

export async function readProgress(
  store: ObjectStore,
  manifest: ReviewManifest,
): Promise<{ progress: ReviewProgress; sequence: number }> {
  const standing = await readVotes(store, manifest.model, manifest.quarter);
  return {
    progress: progressWithout(manifest, standing, await readWithheld(store, manifest)),
    sequence: standing.votes.reduce((newest, { sequence }) => Math.max(newest, sequence), 0),
  };
}
