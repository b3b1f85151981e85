import type { Day } from '../../contracts/days';
import type { OpenedReview, ReviewOutcome, SubmissionReceipt } from '../../contracts/label-review';
import type { ObjectStore } from '../../platform/s3';
import { applyReview } from './apply';
import { openReview, type OpeningRequest } from './open';
import { settleReview, type ReviewRequest } from './settle';
import { recordSubmission, type SubmissionRequest } from './votes';

export type { OpeningRequest } from './open';
export type { ReviewRequest } from './settle';
export type { SubmissionRequest } from './votes';

interface Dependencies {
  store: ObjectStore;
}

/** The labels that people give: what is to be reviewed, what they said, and what came of it. */
export function createLabelActivities({ store }: Dependencies) {
  return {
    /** Draws the events to review and writes the batch; where a review of that quarter was opened before, finds it. */
    openReview: (request: OpeningRequest): Promise<OpenedReview> => openReview(store, request),

    /** Keeps and counts what one person submitted. */
    recordLabels: (request: SubmissionRequest): Promise<SubmissionReceipt> =>
      recordSubmission(store, request),

    /** Finds the label that most reviewers gave each event. */
    settleReview: (request: ReviewRequest): Promise<ReviewOutcome> =>
      settleReview(store, request, new Date()),

    /** Writes the reviewed labels over the delivered ones. */
    applyReview: (request: ReviewRequest): Promise<Day[]> => applyReview(store, request),
  };
}
