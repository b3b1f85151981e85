import { execFileSync } from 'node:child_process';
import { METRIC_NAMES, measure, rank } from '../../activities/evaluation/kinds/binary';
import { classify, measure as measureClasses } from '../../activities/evaluation/kinds/multi-class';
import { measure as measurePredictions, weigh } from '../../activities/evaluation/kinds/regression';
import { xgboostPython } from '../support/training-program';

/** Draws rows of several kinds (ties, edges, rare classes, weights) and measures them with scikit-learn. */
const REFERENCE = `
import json
import numpy as np
from sklearn import metrics

random = np.random.default_rng(11)

def case(name, scores, labels, weights):
    weighted = {"sample_weight": weights}
    chosen = scores >= 0.5
    bins = np.minimum((scores * 10).astype(int), 9)
    excess = [abs(np.sum((weights * (scores - labels))[bins == one])) for one in range(10)]
    return {
        "name": name, "scores": scores.tolist(), "labels": labels.tolist(), "weights": weights.tolist(),
        "metrics": {
            "auc": metrics.roc_auc_score(labels, scores, **weighted),
            "prAuc": metrics.average_precision_score(labels, scores, **weighted),
            "logLoss": metrics.log_loss(labels, scores, **weighted),
            "brier": metrics.brier_score_loss(labels, scores, **weighted),
            "calibrationError": sum(excess) / weights.sum(),
            "accuracy": metrics.accuracy_score(labels, chosen, **weighted),
            "precision": metrics.precision_score(labels, chosen, zero_division=0, **weighted),
            "recall": metrics.recall_score(labels, chosen, zero_division=0, **weighted),
            "f1": metrics.f1_score(labels, chosen, zero_division=0, **weighted),
        },
    }

def draw(kind, count):
    if kind == "spread":
        return random.random(count)
    if kind == "ties":
        return random.integers(0, 5, count) / 4
    if kind == "float32":
        return random.beta(0.5, 3, count).astype(np.float32).astype(np.float64)
    return np.full(count, 0.5)

cases = []
for kind in ["spread", "ties", "float32", "constant"]:
    for share in [0.5, 0.02, 0.9]:
        for weighing in ["once", "resampled"]:
            count = 500
            scores = draw(kind, count)
            labels = (random.random(count) < share).astype(int)
            labels[:2] = [0, 1]
            weights = np.ones(count) if weighing == "once" else random.poisson(1, count).astype(float)
            weights[:2] = 1
            cases.append(case(f"{kind}, {share} positive, {weighing}", scores, labels, weights))
print(json.dumps(cases))
`;

interface Case {
  name: string;
  scores: number[];
  labels: number[];
  weights: number[];
  metrics: Record<string, number>;
}

/** Several classes (one rare, one never answered), and numbers (small, large, negative, one label 0); some rows repeated. */
const OTHER_KINDS = `
import json
import numpy as np
from sklearn import metrics

random = np.random.default_rng(12)

def classes_case(weighing):
    count, names = 400, ["a", "b", "c", "d"]
    labels = random.choice(4, count, p=[0.5, 0.3, 0.19, 0.01])
    labels[:4] = range(4)
    scores = random.dirichlet(np.ones(4), count)
    scores[np.arange(count), labels] += 1.0
    scores[:, 3] = 0
    scores /= scores.sum(axis=1, keepdims=True)
    weights = np.ones(count, int) if weighing == "once" else random.poisson(1, count)
    weights[:4] = 1
    actual, given = np.repeat(labels, weights), np.repeat(scores, weights, axis=0)
    answers = given.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(actual, answers, labels=range(4), zero_division=0)
    return {
        "name": f"classes, {weighing}", "scores": scores.ravel().tolist(), "labels": labels.tolist(),
        "weights": weights.tolist(),
        "metrics": {
            "accuracy": metrics.accuracy_score(actual, answers),
            "macroF1": metrics.f1_score(actual, answers, average="macro"),
            "weightedF1": metrics.f1_score(actual, answers, average="weighted"),
            "logLoss": metrics.log_loss(actual, given, labels=range(4)),
            **{f"precision.{name}": value for name, value in zip(names, precision)},
            **{f"recall.{name}": value for name, value in zip(names, recall)},
            **{f"f1.{name}": value for name, value in zip(names, f1)},
        },
    }

def numbers_case(kind, weighing):
    count = 300
    labels = {
        "small": random.normal(0, 1, count),
        "large": 1e6 + random.normal(0, 10, count),
        "with zero": np.where(np.arange(count) == 7, 0.0, random.gamma(2, 50, count)),
    }[kind]
    scores = labels * 0.9 + random.normal(0, 2, count)
    weights = np.ones(count, int) if weighing == "once" else random.poisson(1, count)
    actual, given = np.repeat(labels, weights), np.repeat(scores, weights)
    return {
        "name": f"{kind}, {weighing}", "scores": scores.tolist(), "labels": labels.tolist(), "weights": weights.tolist(),
        "metrics": {
            "rmse": metrics.root_mean_squared_error(actual, given),
            "mae": metrics.mean_absolute_error(actual, given),
            "mape": metrics.mean_absolute_percentage_error(actual, given),
            "r2": metrics.r2_score(actual, given),
        },
    }

kinds, weighings = ["small", "large", "with zero"], ["once", "resampled"]
print(json.dumps({
    "classes": [classes_case(weighing) for weighing in weighings],
    "numbers": [numbers_case(kind, weighing) for kind in kinds for weighing in weighings],
}))
`;

async function reference<T>(program: string): Promise<T> {
  const output = execFileSync(await xgboostPython(), ['-c', program], { maxBuffer: 2 ** 26 });
  return JSON.parse(output.toString()) as T;
}

/** To nine digits: of the number itself where it is large. */
function expectClose(
  name: string,
  found: Readonly<Record<string, number>>,
  expected: Record<string, number>,
) {
  for (const [metric, value] of Object.entries(expected)) {
    const close = Math.abs(found[metric]! - value) <= 1e-9 * Math.max(1, Math.abs(value));
    expect({ name, metric, found: found[metric], value, close }).toMatchObject({ close: true });
  }
}

const eachItsOwn = (labels: number[]): Uint32Array => Uint32Array.from(labels, (_, row) => row);

describe('measures as scikit-learn measures, to nine digits', () => {
  it('two classes', async () => {
    const cases = await reference<Case[]>(REFERENCE);
    expect(cases).toHaveLength(24);
    for (const { name, scores, labels, weights, metrics } of cases) {
      const positive = Uint8Array.from(labels);
      const rows = rank(scores, { positive, entity: eachItsOwn(labels), entities: labels.length });
      expect(Object.keys(metrics)).toEqual(METRIC_NAMES);
      expectClose(name, measure(rows, weights).metrics, metrics);
    }
  }, 60_000);

  it('several classes, and numbers', async () => {
    const { classes, numbers } = await reference<{ classes: Case[]; numbers: Case[] }>(OTHER_KINDS);
    expect([classes.length, numbers.length]).toEqual([2, 6]);
    for (const { name, scores, labels, weights, metrics } of classes) {
      const rows = classify(Float64Array.from(scores), {
        classes: ['a', 'b', 'c', 'd'],
        actual: Uint16Array.from(labels),
        entity: eachItsOwn(labels),
      });
      expectClose(name, measureClasses(rows, weights), metrics);
    }
    for (const { name, scores, labels, weights, metrics } of numbers) {
      const rows = weigh(scores, Float64Array.from(labels), eachItsOwn(labels));
      expectClose(name, measurePredictions(rows, weights), metrics);
    }
  }, 60_000);
});
