import type { LoadedModel, OnBatch, TabularModel } from '../../../platform/onnx/loaded-model';
import { ASKED_ROWS, breach, wrongKind, type HeldOut, type Metrics, type Trial } from './kind';
import { numberEntities, readLabels } from './labels';

/** Predicted rows, with what every resample needs computed once. All arrays have one entry a row. */
export interface PredictedRows {
  /** The label less the mean of all labels: squares of what is left lose no digits to it. */
  readonly centred: Float64Array;
  /** Predicted less actual. */
  readonly error: Float64Array;
  /** The error's size over the label's. */
  readonly relative: Float64Array;
  /** Dense number of the row's entity. */
  readonly entity: Uint32Array;
}

/** Opens the trial of a predictor of numbers. */
export function openRegression(heldOut: HeldOut): Trial {
  const { table, where } = heldOut;
  const labels = readLabels(heldOut, 'a finite number', Number.isFinite);
  if (labels.every((label) => label === labels[0]))
    throw breach(where, `the label ${labels[0]} in every row`, 'held-out rows of different labels');
  const { entity, entities } = numberEntities(heldOut);

  const examine = async (model: LoadedModel, onBatch: OnBatch) => {
    const predictions = await requireRegressor(model).scoreTable(table, onBatch);
    const rows = weigh(predictions, labels, entity);
    return { measure: (weights: ArrayLike<number>) => measure(rows, weights), confusion: null };
  };
  const askerOf = (model: LoadedModel) => {
    const regressor = requireRegressor(model);
    const requests = regressor.requestsOf(table, ASKED_ROWS);
    return (call: number) => regressor.predictRows([requests[call % requests.length]!]);
  };
  return { rows: table.numRows, entities, examine, askerOf };
}

function requireRegressor(model: LoadedModel): TabularModel {
  if (model.kind === 'tabular-regressor') return model;
  throw wrongKind(model, 'tabular-regressor');
}

export function weigh(
  predictions: ArrayLike<number>,
  labels: Float64Array,
  entity: Uint32Array,
): PredictedRows {
  const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const error = labels.map((label, row) => predictions[row]! - label);
  return {
    centred: labels.map((label) => label - mean),
    error,
    // The bound is scikit-learn's: a label of 0 makes the percentage huge rather than infinite.
    relative: error.map((value, row) => Math.abs(value) / Math.max(Math.abs(labels[row]!), Number.EPSILON)),
    entity,
  };
}

/**
 * Measures the rows, each counted as often as `weights` says of its entity; scikit-learn's root_mean_squared_error,
 * mean_absolute_error, mean_absolute_percentage_error (a share, not per cent) and r2_score. r2 is NaN where all labels
 * that count are the same.
 */
export function measure(
  { centred, error, relative, entity }: PredictedRows,
  weights: ArrayLike<number>,
): Metrics {
  let [total, squares, sizes, shares, sum, spread] = [0, 0, 0, 0, 0, 0];
  for (let row = 0; row < error.length; row += 1) {
    const weight = weights[entity[row]!]!;
    total += weight;
    squares += weight * error[row]! * error[row]!;
    sizes += weight * Math.abs(error[row]!);
    shares += weight * relative[row]!;
    sum += weight * centred[row]!;
    spread += weight * centred[row]! * centred[row]!;
  }
  const variance = spread - (sum * sum) / total;
  return {
    rmse: Math.sqrt(squares / total),
    mae: sizes / total,
    mape: shares / total,
    // What rounding leaves of a spread that is none.
    r2: variance > spread * 1e-12 ? 1 - squares / variance : NaN,
  };
}
