import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Explanation, PredictOutcome, Prediction, PredictRow } from '../../contracts/scoring';
import { checkRow, type CheckedRow } from './predict-request';
import { entityKey } from './routing';
import type { OnlineVariant } from './serving-model';

/** A row on its way through: what is filled in decides what becomes of it. */
export interface Work {
  row: PredictRow;
  checked: CheckedRow | null;
  stickyKey: string;
  variant: OnlineVariant | null;
  features: Record<string, unknown> | null;
  prediction: Prediction | null;
  explanation: Explanation | null;
  error: MeridianError | null;
  /** `performance.now()` after which nobody waits for the answer. */
  deadline: number;
}

export function toWork(row: PredictRow, deadline: number): Work {
  const checked = checkRow(row);
  const isRight = !(checked instanceof MeridianError);
  return {
    row,
    checked: isRight ? checked : null,
    stickyKey: isRight && checked.entity ? entityKey(checked.entity) : row.requestId,
    variant: null,
    features: isRight ? checked.features : null,
    prediction: null,
    explanation: null,
    error: isRight ? null : checked,
    deadline,
  };
}

/** The same row once more, for another variant. */
export const againOn = ({ row, checked, stickyKey }: Work, variant: OnlineVariant): Work => ({
  row,
  checked,
  stickyKey,
  variant,
  features: checked!.features,
  prediction: null,
  explanation: null,
  error: null,
  deadline: Number.POSITIVE_INFINITY,
});

export function toOutcome(work: Work, latency: number): PredictOutcome {
  if (work.error) return failure(work.row, work.error);
  const answer = {
    ok: true as const,
    prediction: work.prediction!,
    model_version: work.variant!.version,
    latency_ms: latency,
  };
  return work.explanation ? { ...answer, explanation: work.explanation } : answer;
}

export function failure(row: PredictRow, error: MeridianError): PredictOutcome {
  const { code, message, fields } = error;
  return { ok: false, error: { code, message, fields, request_id: row.requestId } };
}

export function internal(what: string, cause: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.InternalError,
    `${what}: the prediction failed (${cause instanceof Error ? cause.message : String(cause)}). Try again; if it lasts, look at the worker's log.`,
    [],
    { cause },
  );
}
