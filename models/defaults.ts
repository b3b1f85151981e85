import type { ModelDeclaration } from '../contracts/model';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Where the weights lie that texts are learned from, in the platform's bucket: any BERT in Hugging Face's format. */
export const BASE_MODEL = 'base-models/all-minilm-l6-v2/';

/** A metric as the training programs print it: `validation-auc=0.84`. */
const printed = (name: string) => ({ name, regex: `\\b${name}=([0-9.]+(?:e-?[0-9]+)?)` });

/** XGBoost on some ten thousand rows: many shallow trees, ended early by the validation loss. */
export const classifierTraining: ModelDeclaration['training'] = {
  program: 'models/churn/train.py',
  image: 'xgboost',
  instanceType: 'ml.m5.xlarge',
  instanceCount: 1,
  volumeGb: 10,
  maxRuntimeSeconds: HOUR,
  checkpoints: { everySeconds: 60 },
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
  metrics: ['train-logloss', 'train-auc', 'validation-logloss', 'validation-auc'].map(printed),
};

/** The same trees on numbers, ended early by the validation error. */
export const regressorTraining: ModelDeclaration['training'] = {
  ...classifierTraining,
  metrics: ['train-rmse', 'train-mae', 'validation-rmse', 'validation-mae'].map(printed),
};

/** scikit-learn's histogram gradient boosting; by the hyperparameter `estimator`, a random forest or a linear model. */
export const sklearnTraining: ModelDeclaration['training'] = {
  ...classifierTraining,
  program: 'models/tabular/train_sklearn.py',
  image: 'sklearn',
  hyperparameters: { estimator: 'hist-gradient-boosting', learning_rate: 0.05, max_iter: 500, seed: 7 },
  metrics: [
    'train-logloss',
    'validation-logloss',
    'train-auc',
    'validation-auc',
    'train-rmse',
    'validation-rmse',
    'train-mae',
    'validation-mae',
  ].map(printed),
};

/**
 * A small BERT fine-tuned on some thousand short texts: three epochs, a cut at 64 tokens, on a GPU where SageMaker runs
 * it. Spot instances may be taken away at any time: the training goes on from its checkpoint.
 */
export const textTraining: ModelDeclaration['training'] = {
  program: 'models/event-classifier/train.py',
  image: 'torch',
  instanceType: 'ml.g4dn.xlarge',
  instanceCount: 1,
  volumeGb: 30,
  maxRuntimeSeconds: 2 * HOUR,
  spot: { maxWaitSeconds: 6 * HOUR },
  checkpoints: { everySeconds: 60 },
  channels: { 'base-model': BASE_MODEL },
  hyperparameters: {
    epochs: 3,
    learning_rate: 1e-4,
    head_learning_rate: 1e-3,
    batch_size: 16,
    max_tokens: 64,
    frozen_layers: 0,
    warm_up: 0.1,
    weight_decay: 0.01,
    label_smoothing: 0,
    seed: 7,
  },
  metrics: ['train-loss', 'validation-loss', 'validation-accuracy', 'validation-macroF1'].map(printed),
};

export const classifierGate: ModelDeclaration['gate'] = {
  absolute: [{ metric: 'auc', min: 0.7 }],
  // A judgement, not a measured figure: at 0.01 a retraining on a few days' newer data was once left without a verdict.
  champion: { metric: 'auc', margin: 0.02 },
};

export const regressorGate: ModelDeclaration['gate'] = {
  // More is known of nobody's numbers beforehand: it must explain a tenth of how they differ.
  absolute: [{ metric: 'r2', min: 0.1 }],
  champion: { metric: 'r2', margin: 0.02 },
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

/**
 * A small autoencoder for each of some hundred series, on a GPU where SageMaker runs it. Spot instances may be taken away at
 * any time: the training goes on from its checkpoint.
 */
export const seriesTraining: ModelDeclaration['training'] = {
  program: 'models/anomaly-detector/train.py',
  image: 'torch',
  instanceType: 'ml.g4dn.xlarge',
  instanceCount: 1,
  volumeGb: 10,
  maxRuntimeSeconds: 2 * HOUR,
  spot: { maxWaitSeconds: 6 * HOUR },
  checkpoints: { everySeconds: 60 },
  hyperparameters: {
    epochs: 40,
    epoch_steps: 25,
    batch_size: 128,
    learning_rate: 0.01,
    weight_decay: 1e-5,
    hidden: 64,
    code: 4,
    harmonics: 48,
    noise: 0.3,
    seed: 7,
  },
  metrics: ['train-loss', 'validation-error'].map(printed),
};
