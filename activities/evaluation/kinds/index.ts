import type { ModelKind } from '../../../contracts/model';
import { anomaly } from './anomaly';
import { binary } from './binary';
import type { EvaluationKind } from './kind';
import { multiClass } from './multi-class';
import { regression } from './regression';

/** How each kind of model is judged. */
export const EVALUATION_KINDS: Readonly<Record<ModelKind, EvaluationKind>> = {
  'tabular-classifier': binary,
  'tabular-regressor': regression,
  'text-classifier': multiClass,
  'metric-anomaly': anomaly,
};
