import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  currentUpdateInfo,
  defineQuery,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import { ErrorCode, MeridianError, type FieldProblem } from '../../contracts/errors';
import { validateCompleteReviewInput, validateSubmitLabelsInput } from '../../contracts/generated/validators';
import type { CompleteReviewInput, SubmitLabelsInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import {
  percent,
  type ReviewStatus,
  type CompletedReview,
  type SubmissionReceipt,
} from '../../contracts/label-review';
import { labels } from './activities';
import { asFailure, parseInput } from './input';
import { nextSteps, type ReviewState } from './review-state';

/** Labels of one person for events of the batch; the same submission again counts once. */
export const submitLabels = defineUpdate<SubmissionReceipt, [SubmitLabelsInput]>('submitLabels');
/** Refused while coverage or agreement is below the declared level. */
export const completeReview = defineUpdate<CompletedReview, [CompleteReviewInput]>('completeReview');
export const reviewStatus = defineQuery<ReviewStatus>('reviewStatus');

/** Bytes of a submission: it travels through the history. */
const MOST_BYTES = 256 * 1024;

/** Where people hand in labels: checks what they send, has it kept, and says how far the review has come. */
export class ReviewDesk {
  /** Null until the batch is written. */
  state: ReviewState | null = null;
  completedBy: string | null = null;
  private tail: Promise<unknown> = Promise.resolve();

  /** @param changed Called whenever the progress may have changed. */
  constructor(
    readonly model: string,
    readonly quarter: string,
    private readonly changed: () => void,
  ) {}

  /** From now on updates and queries are answered; those that come before the batch is written wait for it. */
  receive(): void {
    setHandler(submitLabels, (input) => this.inTurn(() => this.submit(input)), {
      validator: (input) => this.checkSubmission(input),
      description: 'Hand in labels: {"by": "you", "labels": [{"event_id": "…", "label": "…"}]}',
    });
    setHandler(completeReview, (input) => this.inTurn(async () => this.complete(input)), {
      validator: (input) => this.checkCompletion(input),
      description: 'Complete the review: {"by": "you"}',
    });
    setHandler(reviewStatus, () => this.status());
  }

  open(state: ReviewState): void {
    this.state = state;
  }

  /** One after the other, in the order they came. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(() => condition(() => this.state !== null)).then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }

  private async submit(input: SubmitLabelsInput): Promise<SubmissionReceipt> {
    this.refuseAfterCompletion();
    const { by, submissionId = currentUpdateInfo()!.id } = input;
    const sequence = this.state!.nextSequence();
    const { model, quarter } = this;
    const receipt = await labels.recordLabels
      .executeWithOptions({ summary: `${input.labels.length} labels by ${by}` }, [
        {
          model,
          quarter,
          submission: { submissionId, by, sequence, at: new Date().toISOString(), labels: input.labels },
        },
      ])
      .catch(rethrowReason);
    this.state!.update(receipt.progress);
    this.changed();
    return receipt;
  }

  private complete({ by }: CompleteReviewInput): CompletedReview {
    // What was handed in before has been counted by now.
    this.refuseShortfalls();
    this.completedBy ??= by;
    const retrain = WorkflowId.retrain(this.model, this.quarter);
    return { by: this.completedBy, progress: this.state!.data.progress, retrain };
  }

  private checkSubmission(input: SubmitLabelsInput): void {
    const { labels: given } = parseInput<SubmitLabelsInput>(validateSubmitLabelsInput, 'submitLabels', input);
    const bytes = new TextEncoder().encode(JSON.stringify(input)).length;
    const problems = repeatedEvents(given);
    if (bytes > MOST_BYTES)
      problems.push({ field: 'labels', found: `${bytes} bytes`, expected: `at most ${MOST_BYTES} bytes` });
    if (problems.length > 0) throw refusal('submitLabels', problems, 'Nothing was counted.');
    this.refuseAfterCompletion();
  }

  private checkCompletion(input: CompleteReviewInput): void {
    parseInput<CompleteReviewInput>(validateCompleteReviewInput, 'completeReview', input);
    if (this.state === null)
      throw conflict('completeReview: the batch is not written yet. Nothing was done. Ask again later.');
    this.refuseShortfalls();
  }

  private refuseAfterCompletion(): void {
    if (this.completedBy === null) return;
    throw conflict(
      `submitLabels: the review was completed by ${this.completedBy}. Nothing was counted. Wait for the next one.`,
    );
  }

  private refuseShortfalls(): void {
    if (this.completedBy !== null) return;
    const problems = this.state!.shortfalls.map(({ field, found, expected, lacking }) => ({
      field,
      found: `${percent(found)}, ${lacking}`,
      expected: `at least ${percent(expected)}`,
    }));
    if (problems.length > 0) throw refusal('completeReview', problems, 'The review goes on.');
  }

  private status(): ReviewStatus {
    const { model, quarter, state, completedBy } = this;
    const shortfalls = state?.shortfalls ?? [];
    return {
      model,
      quarter,
      state: state === null ? 'opening' : completedBy === null ? 'open' : 'completed',
      progress: state?.data.progress ?? null,
      shortfalls,
      completedBy,
      next: state !== null && completedBy === null ? nextSteps(model, shortfalls) : [],
    };
  }
}

/** An event named twice in one submission: which label was meant cannot be known. */
function repeatedEvents(given: SubmitLabelsInput['labels']): FieldProblem[] {
  const first = new Map<string, number>();
  return given.flatMap(({ event_id }, index) => {
    const earlier = first.get(event_id);
    if (earlier === undefined) {
      first.set(event_id, index);
      return [];
    }
    return [
      {
        field: `labels.${index}.event_id`,
        found: `the event of labels.${earlier} again`,
        expected: 'each event once',
      },
    ];
  });
}

const SHOWN = 20;

function refusal(what: string, problems: FieldProblem[], consequence: string): ApplicationFailure {
  const told = problems.slice(0, SHOWN).map((p) => `${p.field}: expected ${p.expected}, found ${p.found}`);
  if (problems.length > SHOWN) told.push(`and ${problems.length - SHOWN} more`);
  const message = `${what}: ${told.join('; ')}. ${consequence}`;
  return asFailure(
    new MeridianError(ErrorCode.InvalidInput, message, problems.slice(0, SHOWN)),
  ) as ApplicationFailure;
}

const conflict = (message: string): unknown => asFailure(new MeridianError(ErrorCode.Conflict, message));

/** What the activity found wrong is the update's own failure: nobody needs to know that an activity found it. */
function rethrowReason(error: unknown): never {
  if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw error.cause;
  throw error;
}
