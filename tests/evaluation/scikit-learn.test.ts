import { execFileSync } from 'node:child_process';
import { METRIC_NAMES, measure, rank } from '../../activities/evaluation/kinds/binary';
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

it('measures as scikit-learn measures, to nine digits', async () => {
  const output = execFileSync(await xgboostPython(), ['-c', REFERENCE], { maxBuffer: 2 ** 26 });
  const cases = JSON.parse(output.toString()) as Case[];
  expect(cases).toHaveLength(24);
  for (const { name, scores, labels, weights, metrics } of cases) {
    const rows = rank(scores, {
      positive: Uint8Array.from(labels),
      entity: Uint32Array.from(labels, (_, row) => row),
      entities: labels.length,
    });
    const measured = measure(rows, weights).metrics;
    for (const metric of METRIC_NAMES) {
      const difference = Math.abs(measured[metric] - metrics[metric]!);
      expect({ name, metric, close: difference <= 1e-9 }).toEqual({ name, metric, close: true });
    }
  }
}, 60_000);
