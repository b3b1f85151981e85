import { METRIC_DIRECTIONS } from '../../../contracts/gate-rules';
import type { ModelDeclaration } from '../../../contracts/model';
import type { LoadedModel, OnBatch, TabularModel } from '../../../platform/onnx/loaded-model';
import { ASKED_ROWS, breach, wrongKind, type HeldOut, type Trial } from './kind';
import { numberEntities, readLabels } from './labels';

const METRICS = METRIC_DIRECTIONS['tabular-classifier'];
export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

export interface Measured {
  metrics: Record<MetricName, number>;
  confusion: { truePositive: number; falsePositive: number; trueNegative: number; falseNegative: number };
}

/** A score of at least this is taken for the positive class. */
const THRESHOLD = 0.5;
/** Equal-width bins of the calibration error; a score on an edge belongs to the upper bin. */
const BINS = 10;
/** Keeps the logarithm finite for scores of 0 and 1 (the same bound as scikit-learn's). */
const EPSILON = Number.EPSILON;

/** Scored rows by falling score, with what every resample needs computed once. All arrays have one entry a row. */
export interface RankedRows {
  readonly scores: Float64Array;
  readonly positive: Uint8Array;
  /** Dense number of the row's entity. */
  readonly entity: Uint32Array;
  /** 1 for the last row of each run of equal scores: only there may a threshold lie. */
  readonly endsTie: Uint8Array;
  readonly loss: Float64Array;
  readonly bin: Uint8Array;
}

export interface LabelledRows {
  /** 1 for the positive class. */
  positive: Uint8Array;
  entity: Uint32Array;
  entities: number;
}

/** Opens the trial of a classifier of two classes, judged by the probability of the positive one. */
export function openBinary(heldOut: HeldOut, { label }: ModelDeclaration): Trial {
  const { table, where } = heldOut;
  const isLabel = (value: number): boolean => value === 0 || value === 1;
  const positive = Uint8Array.from(readLabels(heldOut, '0 or 1', isLabel));
  const positives = positive.reduce((sum, value) => sum + value, 0);
  if (positives === 0 || positives === positive.length) {
    throw breach(
      where,
      `${positives} positive rows of ${positive.length}`,
      'held-out rows of both classes; widen the window or the hold-out share',
    );
  }
  const labelled = { positive, ...numberEntities(heldOut) };
  const classes = label?.classes ?? ['0', '1'];

  const examine = async (model: LoadedModel, onBatch: OnBatch) => {
    const ranked = rank(await requireClassifier(model).scoreTable(table, onBatch), labelled);
    const { confusion } = measure(ranked, new Uint8Array(labelled.entities).fill(1));
    const counts = [
      [confusion.trueNegative, confusion.falsePositive],
      [confusion.falseNegative, confusion.truePositive],
    ];
    return {
      measure: (weights: ArrayLike<number>) => measure(ranked, weights).metrics,
      confusion: { classes, counts },
    };
  };
  const askerOf = (model: LoadedModel) => {
    const classifier = requireClassifier(model);
    const requests = classifier.requestsOf(table, ASKED_ROWS);
    return (call: number) => classifier.predictRows([requests[call % requests.length]!]);
  };
  return { rows: table.numRows, entities: labelled.entities, examine, askerOf };
}

function requireClassifier(model: LoadedModel): TabularModel {
  if (model.kind === 'tabular-classifier') return model;
  throw wrongKind(model, 'tabular-classifier');
}

/** @param scores probabilities of the positive class, 0 … 1 */
export function rank(scores: ArrayLike<number>, { positive, entity }: LabelledRows): RankedRows {
  const order = Uint32Array.from(positive, (_, row) => row).sort((a, b) => scores[b]! - scores[a]!);
  const sorted = Float64Array.from(order, (row) => scores[row]!);
  const labels = Uint8Array.from(order, (row) => positive[row]!);
  return {
    scores: sorted,
    positive: labels,
    entity: Uint32Array.from(order, (row) => entity[row]!),
    endsTie: Uint8Array.from(sorted, (score, row) => (sorted[row + 1] === score ? 0 : 1)),
    loss: sorted.map((score, row) => {
      const likelihood = labels[row] ? score : 1 - score;
      return -Math.log(Math.min(Math.max(likelihood, EPSILON), 1 - EPSILON));
    }),
    bin: Uint8Array.from(sorted, (score) => Math.min(Math.floor(score * BINS), BINS - 1)),
  };
}

/**
 * Measures the rows, each counted as often as `weights` says of its entity. NaN for what a single class leaves
 * undefined (auc, prAuc). Definitions are scikit-learn's: roc_auc_score, average_precision_score, log_loss,
 * brier_score_loss, precision_score and so on (0 where nothing is predicted positive); calibrationError is the
 * expected calibration error of Guo et al. 2017 on the positive class's probability.
 */
export function measure(rows: RankedRows, weights: ArrayLike<number>): Measured {
  const { scores, positive, entity, endsTie, loss, bin } = rows;
  const binExcess = new Float64Array(BINS);
  let [truePositives, falsePositives] = [0, 0];
  let [tieTruePositives, tieFalsePositives] = [0, 0];
  let [rankArea, precisionArea, lossSum, squareSum] = [0, 0, 0, 0];
  let [selectedPositives, selectedNegatives] = [0, 0];
  for (let row = 0; row < scores.length; row += 1) {
    const weight = weights[entity[row]!]!;
    const score = scores[row]!;
    const label = positive[row]!;
    if (label === 1) truePositives += weight;
    else falsePositives += weight;
    if (score >= THRESHOLD) {
      selectedPositives = truePositives;
      selectedNegatives = falsePositives;
    }
    lossSum += weight * loss[row]!;
    squareSum += weight * (score - label) * (score - label);
    binExcess[bin[row]!]! += weight * (score - label);
    if (endsTie[row] === 1) {
      rankArea += ((falsePositives - tieFalsePositives) * (truePositives + tieTruePositives)) / 2;
      if (truePositives > tieTruePositives) {
        const precision = truePositives / (truePositives + falsePositives);
        precisionArea += (truePositives - tieTruePositives) * precision;
      }
      tieTruePositives = truePositives;
      tieFalsePositives = falsePositives;
    }
  }
  const total = truePositives + falsePositives;
  const confusion = {
    truePositive: selectedPositives,
    falsePositive: selectedNegatives,
    trueNegative: falsePositives - selectedNegatives,
    falseNegative: truePositives - selectedPositives,
  };
  return {
    confusion,
    metrics: {
      auc: rankArea / (truePositives * falsePositives),
      prAuc: precisionArea / truePositives,
      logLoss: lossSum / total,
      brier: squareSum / total,
      calibrationError: binExcess.reduce((sum, excess) => sum + Math.abs(excess), 0) / total,
      ...atThreshold(confusion, total),
    },
  };
}

function atThreshold(
  { truePositive, falsePositive, trueNegative, falseNegative }: Measured['confusion'],
  total: number,
): Pick<Measured['metrics'], 'accuracy' | 'precision' | 'recall' | 'f1'> {
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    accuracy: (truePositive + trueNegative) / total,
    precision: share(truePositive, truePositive + falsePositive),
    recall: share(truePositive, truePositive + falseNegative),
    f1: share(2 * truePositive, 2 * truePositive + falsePositive + falseNegative),
  };
}
