import type { SupervisedDeclaration } from '../../contracts/model';
import { eventText } from '../../features';
import { classifierRollOut, textTraining } from '../defaults';

export const eventClassifier: SupervisedDeclaration = {
  name: 'event-classifier',
  kind: 'text-classifier',
  description: 'What a customer writes about.',
  owner: 'support-operations',
  schemaVersion: 1,
  views: [eventText],
  inputs: [{ name: 'text', view: eventText.name, feature: 'text', type: 'text' }],
  label: {
    name: 'topic',
    transformation: null,
    sources: [],
    horizonDays: 0,
    everyDays: 1,
    periods: 30,
    classes: [
      'cancellation',
      'data_export',
      'feature_request',
      'integration_error',
      'invoice_question',
      'login_problem',
      'payment_failed',
      'plan_change',
      'refund_request',
      'slow_performance',
    ],
  },
  dataset: { salt: 'event-classifier-2026', holdOutShare: 0.2, validationShare: 0.12, minRows: 500 },
  training: textTraining,
  gate: {
    absolute: [
      { metric: 'accuracy', min: 0.9 },
      { metric: 'macroF1', min: 0.88 },
    ],
    champion: { metric: 'macroF1', margin: 0.02 },
  },
  serving: { mode: 'online', p95Ms: 120 },
  rollOut: classifierRollOut,
};
