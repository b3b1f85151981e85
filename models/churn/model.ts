import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SupervisedDeclaration } from '../../contracts/model';
import { dailyCustomerViews } from '../../features';
import { inputsOf } from '../../features/inputs';
import { projectRoot } from '../../platform/project-root';
import { classifierGate, classifierRollOut, classifierTraining } from '../defaults';

export const churn: SupervisedDeclaration = {
  name: 'churn',
  kind: 'tabular-classifier',
  description: 'The probability that a customer leaves within the next 30 days.',
  owner: 'growth-analytics',
  schemaVersion: 1,
  views: dailyCustomerViews,
  inputs: inputsOf(dailyCustomerViews),
  label: {
    name: 'churned_within_30_days',
    transformation: readFileSync(join(projectRoot(), 'models', 'churn', 'label.sql'), 'utf8'),
    sources: [{ table: 'accounts', lookBackDays: 1 }],
    horizonDays: 30,
    everyDays: 30,
    periods: 4,
    classes: ['stays', 'leaves'],
  },
  dataset: { salt: 'churn-2026', holdOutShare: 0.2, validationShare: 0.15, minRows: 5_000 },
  training: {
    ...classifierTraining,
    tuning: {
      strategy: 'Bayesian',
      objective: { metric: 'validation-logloss', goal: 'minimize' },
      ranges: {
        learning_rate: { type: 'continuous', min: 0.02, max: 0.2, scale: 'logarithmic' },
        max_depth: { type: 'integer', min: 2, max: 6 },
        min_child_weight: { type: 'continuous', min: 1, max: 50, scale: 'logarithmic' },
        reg_lambda: { type: 'continuous', min: 0.5, max: 50, scale: 'logarithmic' },
        subsample: { type: 'continuous', min: 0.5, max: 1 },
        colsample_bytree: { type: 'continuous', min: 0.3, max: 1 },
      },
      earlyStopping: true,
      seed: 7,
    },
  },
  gate: {
    ...classifierGate,
    absolute: [
      { metric: 'auc', min: 0.75 },
      { metric: 'calibrationError', max: 0.1 },
    ],
  },
  serving: { mode: 'online', p95Ms: 45 },
  rollOut: classifierRollOut,
};
