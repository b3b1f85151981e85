import type { FeatureValue, ModelDeclaration } from './model';
import type { CapturedPrediction } from './scoring';

/** The Redis stream captured predictions travel through, from the inference workers to the drainer. */
export const CAPTURE_STREAM = 'meridian:captures';

/** The field of a stream entry that holds the batch, as JSON. */
export const CAPTURE_FIELD = 'batch';

export type CaptureInput = Pick<ModelDeclaration['inputs'][number], 'name' | 'type'>;

/** A captured prediction on its way: what the batch says once is left out, features are in the order of its inputs. */
export type CaptureRecord = Omit<CapturedPrediction, 'model' | 'features'> & {
  /** Null where the request's features were not usable. */
  features: FeatureValue[] | null;
};

/** One stream entry: predictions of one model. */
export interface CaptureBatch {
  model: string;
  inputs: CaptureInput[];
  records: CaptureRecord[];
}

/** The Parquet columns of every captured prediction; after them comes one a feature. */
const CAPTURE_COLUMNS = [
  'request_id',
  'time',
  'model',
  'version',
  'variant',
  'generation',
  'entity',
  'prediction',
  'predicted_label',
  'latency_ms',
  'error',
] as const satisfies readonly (keyof CapturedPrediction)[];

const RESERVED: ReadonlySet<string> = new Set(CAPTURE_COLUMNS);

/** The Parquet column of a feature: its own name, or `feature_<name>` where the record has a column of that name. */
export const captureColumn = (feature: string): string =>
  RESERVED.has(feature) ? `feature_${feature}` : feature;
