import type { ModelDeclaration } from '../contracts/model';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** XGBoost on some ten thousand rows: many shallow trees, ended early by the validation loss. */
export const classifierTraining: ModelDeclaration['training'] = {
  program: 'models/churn/train.py',
  image: 'xgboost',
  instanceType: 'ml.m5.xlarge',
  instanceCount: 1,
  volumeGb: 10,
  maxRuntimeSeconds: HOUR,
  hyperparameters: {
    max_depth: 3,
    learning_rate: 0.05,
    num_round: 800,
    early_stopping_rounds: 40,
    subsample: 0.8,
    colsample_bytree: 0.6,
    min_child_weight: 10,
    reg_lambda: 5,
    seed: 7,
  },
  metrics: ['train-logloss', 'train-auc', 'validation-logloss', 'validation-auc'].map((name) => ({
    name,
    regex: `\\b${name}=([0-9.]+(?:e-?[0-9]+)?)`,
  })),
};

export const classifierGate: ModelDeclaration['gate'] = {
  absolute: [{ metric: 'auc', min: 0.7 }],
  // A judgement, not a measured figure: at 0.01 a retraining on a few days' newer data was once left without a verdict.
  champion: { metric: 'auc', margin: 0.02 },
};

/** Seven days from shadow to all traffic. */
export const classifierRollOut: ModelDeclaration['rollOut'] = {
  steps: [
    { weight: 0, minDurationSeconds: DAY, minPredictions: 200 },
    { weight: 0.1, minDurationSeconds: 2 * DAY, minPredictions: 500 },
    { weight: 0.25, minDurationSeconds: 2 * DAY, minPredictions: 500 },
    { weight: 0.5, minDurationSeconds: 2 * DAY, minPredictions: 500 },
    { weight: 1, minDurationSeconds: 0, minPredictions: 0 },
  ],
};
