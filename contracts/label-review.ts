import type { Day } from './days';
import type { ModelDeclaration } from './generated/types';
import type { Entity } from './ownership';

export const REVIEW_REASONS = ['uncertain', 'disagreeing', 'recent'] as const;
/** Why an event is to be reviewed. */
export type ReviewReason = (typeof REVIEW_REASONS)[number];

type Declared = NonNullable<ModelDeclaration['labelReview']>;
export type ReviewSettings = Required<Declared>;

const DEFAULTS: ReviewSettings = {
  size: 200,
  shares: { uncertain: 0.4, disagreeing: 0.3, recent: 0.3 },
  reviewersPerEvent: 2,
  minAgreement: 0.8,
  minCoverage: 0.9,
  remindEveryDays: 7,
  lookBackDays: 90,
};

/** As declared, and the default of what is not. */
export const reviewSettingsOf = ({ labelReview }: Pick<ModelDeclaration, 'labelReview'>): ReviewSettings => ({
  ...DEFAULTS,
  ...labelReview,
});

/** The calendar quarter of a day: `2026-Q4`. */
export const quarterOf = (day: Day): string =>
  `${day.slice(0, 4)}-Q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;

/** `manifest.json` of a review: what is reviewed, and by which rules, from its first day to its last. */
export interface ReviewManifest {
  formatVersion: 1;
  model: string;
  quarter: string;
  declarationHash: string;
  /** What orders the sample: the key of the run that drew it. */
  seed: string;
  /** The days whose events it is sampled from, both included. */
  window: { from: Day; to: Day };
  settings: ReviewSettings;
  /** The labels there are to give. */
  classes: string[];
  /** The join key that `event_id` holds as text, and whether people may see it in messages. */
  entity: { name: string; type: 'string' | 'int64' | 'int32'; personal: boolean };
  /** Whom an event belongs to, where its view says so: their join keys are in `owner` of `batch.parquet`. */
  owners?: Entity[];
  /** The batch as it was drawn; texts of those who opt out later are taken out of it. */
  batch: { key: string; sha256: string; events: number; reasons: Record<ReviewReason, number> };
}

/** One row of `batch.parquet`, as people may see it. */
export interface ReviewEvent {
  event_id: string;
  text: string;
  /** The partition of the event. */
  day: Day;
  reason: ReviewReason;
  /** Why, in words. */
  detail: string;
  /** As labelled when the review was opened. */
  label: string | null;
  /** By the newest captured prediction, with the probability of that class. */
  predicted_label: string | null;
  score: number | null;
}

/** A label that one person gives one event. */
export interface GivenLabel {
  event_id: string;
  label: string;
}

/** `submissions/<hash of its ID>.json`: what one person submitted at once; immutable. */
export interface Submission {
  formatVersion: 1;
  submissionId: string;
  by: string;
  /** The review's own numbering: of two labels of a person for an event, the later submission's stands. */
  sequence: number;
  /** ISO 8601. */
  at: string;
  labels: GivenLabel[];
}

/** A person's label for an event as it stands. */
export interface Vote extends GivenLabel {
  by: string;
  sequence: number;
  at: string;
}

/** How far a review has come. */
export interface ReviewProgress {
  /** Raised by every change. */
  revision: number;
  events: number;
  /** Events of the batch that are not among them, since they belong to somebody who has opted out; absent where none do. */
  withheld?: number;
  /** Events that enough people labelled, with one label given most often. */
  covered: number;
  /** Events that enough people labelled, where labels share the first place: they need another reviewer. */
  tied: number;
  /** Share of the events that are covered. */
  coverage: number;
  /** Mean over the events with two labels or more of the share of pairs that are equal; null where there are none. */
  agreement: number | null;
  /** Fleiss' kappa: the same, corrected for what chance would bring about; null where it is not defined. */
  kappa: number | null;
  reviewers: { by: string; labels: number; lastAt: string }[];
}

/** A review as it is opened; one that was begun before goes on where it was. */
export interface OpenedReview {
  manifest: ReviewManifest;
  progress: ReviewProgress;
  /** The number of the newest submission. */
  sequence: number;
  /** When it was settled, where it was: it is not opened again then. */
  settledAt: string | null;
}

/** What became of a submission. */
export interface SubmissionReceipt {
  submissionId: string;
  labels: number;
  /** Whether it had been submitted before: it counts once. */
  duplicate: boolean;
  progress: ReviewProgress;
}

/** What a review came to, in `outcome.json`; its events are in `outcome.parquet`. */
export interface ReviewOutcome {
  /** Events with a reviewed label. */
  reviewed: number;
  /** Of those, events whose label was another before. */
  changed: number;
  /** Of those, events that had none. */
  added: number;
  coverage: number;
  agreement: number | null;
  /** Events left out, since they belong to somebody who has opted out; absent where none do. */
  withheld?: number;
  /** ISO 8601. */
  settledAt: string;
}

/** What a review lacks before it may be completed. */
export interface Shortfall {
  field: 'coverage' | 'agreement';
  found: number;
  expected: number;
  /** How much is missing, in words. */
  lacking: string;
}

/** Answer of the update `completeReview`. */
export interface CompletedReview {
  by: string;
  progress: ReviewProgress;
  /** The run that trains on the reviewed labels. */
  retrain: string;
}

/** Answer of the query `reviewStatus`. */
export interface ReviewStatus {
  model: string;
  quarter: string;
  state: 'opening' | 'open' | 'completed';
  /** Null while it is opening. */
  progress: ReviewProgress | null;
  shortfalls: Shortfall[];
  completedBy: string | null;
  /** What a person may do now, in words. */
  next: string[];
}

/** Nothing where the review may be completed. A single reviewer an event leaves nothing to agree on. */
export function shortfallsOf(
  { events, covered, tied, coverage, agreement }: ReviewProgress,
  { minCoverage, minAgreement }: Pick<ReviewSettings, 'minCoverage' | 'minAgreement'>,
): Shortfall[] {
  const shortfalls: Shortfall[] = [];
  if (coverage < minCoverage) {
    const needed = Math.ceil(minCoverage * events - 1e-9) - covered;
    const ties = tied > 0 ? `; ${tied} are tied and need another reviewer` : '';
    shortfalls.push({
      field: 'coverage',
      found: coverage,
      expected: minCoverage,
      lacking: `${points(minCoverage - coverage)} short: ${needed} more of ${events} events are to be covered${ties}`,
    });
  }
  if (agreement !== null && agreement < minAgreement) {
    shortfalls.push({
      field: 'agreement',
      found: agreement,
      expected: minAgreement,
      lacking: `${points(minAgreement - agreement)} short: reviewers are to look again at events they label differently`,
    });
  }
  return shortfalls;
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const points = (share: number): string => `${(share * 100).toFixed(1)} points`;
