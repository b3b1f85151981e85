import type { SeriesDeclaration } from '../../contracts/model';
import { seriesTraining } from '../../models/defaults';

export interface SeriesModel {
  name: string;
  /** The raw table that the points are in. */
  table: string;
  everySeconds: number;
  /** From the first day with points to the last. */
  days: number;
  /** Share of ordinary points that may be called anomalous. */
  alertRate: number;
  /** Where the points come from, for the description. */
  source: string;
}

/**
 * The declaration of a model of a person's own series. They may be short, and what is anomalous in them is often new: all but
 * a tenth of the days are learnt from.
 */
export function declareSeries({
  name,
  table,
  everySeconds,
  days,
  alertRate,
  source,
}: SeriesModel): SeriesDeclaration {
  return {
    name,
    kind: 'metric-anomaly',
    description: `Which points of ${source} are out of the ordinary, for their series and the time of day.`,
    owner: 'series-import',
    schemaVersion: 1,
    views: [],
    inputs: [],
    series: { table, everySeconds, windowSteps: 24, days, alertRate },
    dataset: { salt: name, holdOutShare: 0.1, validationShare: 0.15, minRows: 500 },
    training: seriesTraining,
    // Nobody has said what is anomalous in the held-out days: only who calls every other point so is refused.
    gate: { absolute: [{ metric: 'falseAlarmRate', max: 0.5 }] },
    serving: { mode: 'batch', p95Ms: 1_000 },
    rollOut: { steps: [] },
  };
}
