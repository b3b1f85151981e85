import { ErrorCode, MeridianError, show } from '../../../contracts/errors';
import type { ModelDeclaration } from '../../../contracts/model';
import type { LoadedModel, OnBatch, TextModel } from '../../../platform/onnx/loaded-model';
import { ASKED_ROWS, breach, wrongKind, type HeldOut, type Metrics, type Trial } from './kind';
import { numberEntities, readLabels } from './labels';

/** Keeps the logarithm finite for a probability of 0 (the same bound as scikit-learn's). */
const EPSILON = Number.EPSILON;

/** Classified rows, with what every resample needs computed once. All arrays have one entry a row. */
export interface ClassifiedRows {
  readonly classes: readonly string[];
  /** Index of the class. */
  readonly actual: Uint16Array;
  readonly predicted: Uint16Array;
  readonly loss: Float64Array;
  /** Dense number of the row's entity. */
  readonly entity: Uint32Array;
}

const classesOf = ({ label }: ModelDeclaration): string[] => label?.classes ?? [];

/** Opens the trial of a classifier of several classes: overall metrics, and `precision.<class>`, `recall.<class>`, `f1.<class>` of each. */
export function openMultiClass(heldOut: HeldOut, declaration: ModelDeclaration): Trial {
  const { table, where } = heldOut;
  const classes = classesOf(declaration);
  const expected = `the number of a class, 0 to ${classes.length - 1}`;
  const isClass = (label: number): boolean => Number.isInteger(label) && label >= 0 && label < classes.length;
  const actual = Uint16Array.from(readLabels(heldOut, expected, isClass));
  if (new Set(actual).size < 2)
    throw breach(
      where,
      `rows of one class only (${classes[actual[0]!]})`,
      'held-out rows of several classes',
    );
  const { entity, entities } = numberEntities(heldOut);

  const examine = async (model: LoadedModel, onBatch: OnBatch) => {
    const text = requireText(model, classes);
    const rows = classify(await text.scoreTable(table, onBatch), { classes, actual, entity });
    return {
      measure: (weights: ArrayLike<number>) => measure(rows, weights),
      confusion: { classes, counts: confuse(rows) },
    };
  };
  const askerOf = (model: LoadedModel) => {
    const text = requireText(model, classes);
    const requests = text.requestsOf(table, ASKED_ROWS);
    return (call: number) => text.predictRows([requests[call % requests.length]!]);
  };
  return { rows: table.numRows, entities, examine, askerOf };
}

/** A model of other classes, or of the same in another order, would be measured against labels that are not its own. */
function requireText(model: LoadedModel, classes: readonly string[]): TextModel {
  if (model.kind !== 'text-classifier') throw wrongKind(model, 'text-classifier');
  const own = model.signature.classes;
  if (own.length === classes.length && own.every((name, index) => name === classes[index])) return model;
  throw new MeridianError(
    ErrorCode.InvalidFeatures,
    `${model.version}: found the classes ${show(own)}, expected ${show(classes)}: the labels of these rows are their numbers.`,
  );
}

/** @param scores a probability a class, row after row */
export function classify(
  scores: Float32Array | Float64Array,
  { classes, actual, entity }: Pick<ClassifiedRows, 'classes' | 'actual' | 'entity'>,
): ClassifiedRows {
  const width = classes.length;
  const predicted = Uint16Array.from(actual, (_, row) => {
    let top = 0;
    for (let column = 1; column < width; column += 1)
      if (scores[row * width + column]! > scores[row * width + top]!) top = column;
    return top;
  });
  const loss = Float64Array.from(
    actual,
    (label, row) => -Math.log(Math.min(Math.max(scores[row * width + label]!, EPSILON), 1 - EPSILON)),
  );
  return { classes, actual, predicted, loss, entity };
}

/**
 * Definitions are scikit-learn's (precision_score and so on, 0 where nothing is predicted), over the rows as often as they
 * count: macroF1 is the mean over the classes that occur in labels or predictions, weightedF1 the mean by their labels. NaN
 * is what a class without labels says of recall, and one that occurs nowhere of anything.
 */
export function measure(
  { classes, actual, predicted, loss, entity }: ClassifiedRows,
  weights: ArrayLike<number>,
): Metrics {
  const [labels, answers, hits] = [0, 1, 2].map(() => new Float64Array(classes.length));
  let [total, right, lossSum] = [0, 0, 0];
  for (let row = 0; row < actual.length; row += 1) {
    const weight = weights[entity[row]!]!;
    const label = actual[row]!;
    const answer = predicted[row]!;
    total += weight;
    lossSum += weight * loss[row]!;
    labels![label]! += weight;
    answers![answer]! += weight;
    if (label !== answer) continue;
    right += weight;
    hits![label]! += weight;
  }
  let [macro, weighted, occurring] = [0, 0, 0];
  const ofClasses: [string, number][] = [];
  classes.forEach((name, index) => {
    const [labelled, answered, hit] = [labels![index]!, answers![index]!, hits![index]!];
    // 0 / 0, and so NaN, where the class occurs nowhere.
    const f1 = (2 * hit) / (labelled + answered);
    const precision = answered === 0 && labelled > 0 ? 0 : hit / answered;
    ofClasses.push([`precision.${name}`, precision], [`recall.${name}`, hit / labelled], [`f1.${name}`, f1]);
    if (labelled + answered === 0) return;
    occurring += 1;
    macro += f1;
    weighted += labelled * f1;
  });
  return {
    accuracy: right / total,
    macroF1: macro / occurring,
    weightedF1: weighted / total,
    logLoss: lossSum / total,
    ...Object.fromEntries(ofClasses),
  };
}

/** Rows by actual class, then by predicted class. */
function confuse({ classes, actual, predicted }: ClassifiedRows): number[][] {
  const counts = classes.map(() => classes.map(() => 0));
  actual.forEach((label, row) => {
    counts[label]![predicted[row]!]! += 1;
  });
  return counts;
}
