/**
 * Every typed error of the platform, in one place. The name is what a caller branches on: it is the `type` of an
 * ApplicationFailure, the `code` of an HTTP error body, and the same through the task queue and over HTTP.
 */
export const ErrorCode = {
  // What callers get wrong.
  InvalidInput: 'InvalidInput',
  UnknownModel: 'UnknownModel',
  ModelNotReady: 'ModelNotReady',
  InvalidFeatures: 'InvalidFeatures',
  UnknownEntity: 'UnknownEntity',
  /** A person who does not want to be scored. */
  EntityOptedOut: 'EntityOptedOut',
  MalformedJson: 'MalformedJson',
  BodyTooLarge: 'BodyTooLarge',
  UnsupportedMediaType: 'UnsupportedMediaType',
  RouteNotFound: 'RouteNotFound',
  MethodNotAllowed: 'MethodNotAllowed',
  // What no retry mends.
  MissingObject: 'MissingObject',
  CorruptObject: 'CorruptObject',
  DataQualityBreach: 'DataQualityBreach',
  TrainingFailed: 'TrainingFailed',
  TrainingStopped: 'TrainingStopped',
  JobNameTaken: 'JobNameTaken',
  BadArtifact: 'BadArtifact',
  /** A version that nobody could tell how it came about. */
  MissingProvenance: 'MissingProvenance',
  /** A job may cost more than is declared: it waits for a person's approval. */
  CostCapExceeded: 'CostCapExceeded',
  AccessDenied: 'AccessDenied',
  Conflict: 'Conflict',
  StepAborted: 'StepAborted',
  // What a retry, or a person, may mend.
  CapacityUnavailable: 'CapacityUnavailable',
  SpotUnavailable: 'SpotUnavailable',
  DependencyUnavailable: 'DependencyUnavailable',
  Overloaded: 'Overloaded',
  /** The caller's own deadline passed before there was an answer. */
  DeadlineExceeded: 'DeadlineExceeded',
  InternalError: 'InternalError',
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** One field that is wrong: where it is, what was found there, what was expected. */
export interface FieldProblem {
  field: string;
  found: string;
  expected: string;
}

/** A problem as messages tell it. */
export const problemText = ({ field, found, expected }: FieldProblem): string =>
  `${field}: expected ${expected}, found ${found}`;

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.CapacityUnavailable,
  ErrorCode.DependencyUnavailable,
  ErrorCode.Overloaded,
  ErrorCode.DeadlineExceeded,
  ErrorCode.InternalError,
  ErrorCode.ModelNotReady,
]);

/**
 * An error that tells what thing, what was found, what was expected and what to do. Activities may throw it as it is:
 * the workers' interceptor turns it into an ApplicationFailure of type `code`, non-retryable unless `retryable`.
 */
export class MeridianError extends Error {
  readonly retryable: boolean;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly fields: FieldProblem[] = [],
    options?: { cause?: unknown; retryable?: boolean },
  ) {
    super(message, options);
    this.name = code;
    this.retryable = options?.retryable ?? RETRYABLE.has(code);
  }
}

/** Shows a value in an error message: short, on one line, its type visible. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'bigint')
    return `${typeof value === 'bigint' ? 'integer' : 'number'} ${String(value)}`;
  const text = toJson(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than the stack, or circular.
    return 'a value too deep to show';
  }
}
