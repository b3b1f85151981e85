import type { ErrorCode, FieldProblem } from './errors';
import type { ScorerInput as DeclaredScorerInput } from './generated/types';
import type { FeatureRow } from './model';

export type { PredictInput } from './generated/types';

/** Input of the workflow scorer; `recent` is carried across continue-as-new. */
export type ScorerInput = Omit<DeclaredScorerInput, 'recent'> & { recent?: CarriedAnswer[] };

/** An answer that the next run of a scorer knows; `digest` names what was asked. */
export type CarriedAnswer = [requestId: string, answer: PredictResponse, digest?: string];

/** Characters of a request ID, as `score-rows.json` bounds it. */
export const MAX_REQUEST_ID = 200;

/** Rows of one request over HTTP or gRPC. */
export const MAX_INSTANCES = 1000;

/** A prediction asked for: feature values, or the entity whose features are looked up online. */
export interface PredictRow {
  requestId: string;
  features?: Record<string, unknown>;
  entity?: Record<string, unknown>;
  /** Asks for an explanation beside the answer. */
  explain?: boolean;
}

/** What each feature did to an answer, in the graph's margin (log-odds of a classifier): base and contributions add up to it. */
export interface Explanation {
  base_value: number;
  contributions: Record<string, number>;
}

/** A model's answer: a probability (tabular-classifier), a number (tabular-regressor) or a class (text-classifier). */
export type Prediction = number | TextPrediction;

export interface TextPrediction {
  /** The most probable class. */
  label: string;
  /** The probability of each class. */
  scores: Record<string, number>;
}

/** The number that an answer stands on: of a class, its probability. */
export const decisive = (prediction: Prediction): number =>
  typeof prediction === 'number' ? prediction : prediction.scores[prediction.label]!;

/** What a model of series says of one point; not to be had online. */
export interface SeriesPrediction {
  /** The reconstruction error over the threshold of the series. */
  score: number;
  /** Whether the score is above 1. */
  anomalous: boolean;
}

/** What a caller gets, over HTTP and through the queue. */
export interface PredictResponse<Answer extends Prediction = Prediction> {
  prediction: Answer;
  model_version: string;
  latency_ms: number;
  /** Where it was asked for. */
  explanation?: Explanation;
}

/** `{"error": …}` over HTTP; the same code, message and fields as a typed failure through the queue. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  fields: FieldProblem[];
  request_id: string;
}

export type PredictOutcome = ({ ok: true } & PredictResponse) | { ok: false; error: ErrorBody };

/** Argument and result of the update `predict` on a `scorer` workflow: many rows in one update. */
export interface ScoreBatchRequest {
  rows: PredictRow[];
}
export interface ScoreBatchResult {
  outcomes: PredictOutcome[];
}

/** One captured prediction (failures too), as it lies in `predictions/<model>/dt=…/hour=…/*.parquet`. */
export interface CapturedPrediction {
  request_id: string;
  /** Epoch milliseconds. */
  time: number;
  model: string;
  version: string | null;
  /** `staging`: asked for by name, beside what serves. */
  variant: 'live' | 'canary' | 'shadow' | 'staging' | null;
  /** Null of a version in Staging, which no generation names. */
  generation: number | null;
  /** The join keys as JSON, where the request named an entity. */
  entity: string | null;
  /** One column a feature. */
  features: FeatureRow;
  /** The number answered; of a text, the probability of its label. */
  prediction: number | null;
  /** Of a text: the class answered. */
  predicted_label?: string | null;
  latency_ms: number;
  /** Error code where the prediction failed. */
  error: string | null;
}

/** HTTP status of each error code a prediction can end with. */
export const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  InvalidInput: 400,
  MalformedJson: 400,
  AccessDenied: 401,
  EntityOptedOut: 403,
  InvalidFeatures: 422,
  UnknownModel: 404,
  UnknownEntity: 404,
  RouteNotFound: 404,
  MethodNotAllowed: 405,
  ModelNotReady: 409,
  Conflict: 409,
  BodyTooLarge: 413,
  UnsupportedMediaType: 415,
  Overloaded: 429,
  DependencyUnavailable: 503,
  DeadlineExceeded: 504,
  InternalError: 500,
};
