import type { ModelKind } from '../../../contracts/model';
import { openAnomaly } from './anomaly';
import { openBinary } from './binary';
import type { OpenTrial } from './kind';
import { openMultiClass } from './multi-class';
import { openRegression } from './regression';

/** How each kind of model is judged. */
export const OPEN_TRIAL: Readonly<Record<ModelKind, OpenTrial>> = {
  'tabular-classifier': openBinary,
  'tabular-regressor': openRegression,
  'text-classifier': openMultiClass,
  'metric-anomaly': openAnomaly,
};
