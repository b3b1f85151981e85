import type { SeriesDeclaration } from '../../contracts/model';
import { seriesTraining } from '../defaults';

export const anomalyDetector: SeriesDeclaration = {
  name: 'anomaly-detector',
  kind: 'metric-anomaly',
  description:
    'Which points of the platform’s metrics are out of the ordinary, for their series and the time of day.',
  owner: 'reliability',
  schemaVersion: 1,
  views: [],
  inputs: [],
  series: { table: 'metrics', everySeconds: 300, windowSteps: 24, days: 28, alertRate: 0.01 },
  dataset: { salt: 'anomaly-detector-2026', holdOutShare: 0.2, validationShare: 0.15, minRows: 2_000 },
  training: seriesTraining,
  gate: {
    absolute: [{ metric: 'falseAlarmRate', max: 0.05 }],
    champion: { metric: 'falseAlarmRate', margin: 0.02 },
  },
  serving: { mode: 'batch', p95Ms: 1_000 },
  rollOut: { steps: [] },
};
