import type { CaptureBatch, CaptureInput, CaptureRecord } from '../../contracts/capture';

/** What was captured and cannot be a row: kept as it came, with the inputs it came with. */
export interface RejectedCapture {
  inputs: CaptureInput[];
  record: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isInt32 = (value: unknown): boolean => Number.isInteger(value) && value === (Number(value) | 0);
const orNull =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || check(value);

const INPUT_TYPE: Record<CaptureInput['type'], (value: unknown) => boolean> = {
  number: orNull(isNumber),
  boolean: orNull((value) => typeof value === 'boolean'),
  category: orNull(isText),
  text: orNull(isText),
};

/** What each column can hold; the Parquet writer would throw, or write something else than it was given. */
const COLUMN: Record<Exclude<keyof CaptureRecord, 'features'>, (value: unknown) => boolean> = {
  request_id: isText,
  time: (value) => typeof value === 'number' && !Number.isNaN(new Date(value).getTime()),
  version: orNull(isText),
  variant: orNull(isText),
  generation: orNull(isInt32),
  entity: orNull(isText),
  prediction: orNull(isNumber),
  // Only text classifiers answer one.
  predicted_label: (value) => value === undefined || value === null || isText(value),
  latency_ms: isNumber,
  error: orNull(isText),
};

/** Whether an entry of the stream is a batch; its records are looked at one by one. */
export function isBatch(value: unknown): value is CaptureBatch {
  if (!isObject(value)) return false;
  const { model, inputs, records } = value;
  const isInput = (input: unknown): boolean =>
    isObject(input) && isText(input['name']) && String(input['type']) in INPUT_TYPE;
  return isText(model) && Array.isArray(inputs) && inputs.every(isInput) && Array.isArray(records);
}

/** Whether a record can be a row of a file with those inputs. */
export function fits(inputs: readonly CaptureInput[], record: unknown): record is CaptureRecord {
  if (!isObject(record)) return false;
  if (!Object.entries(COLUMN).every(([name, check]) => check(record[name]))) return false;
  const { features } = record;
  if (features === null) return true;
  return (
    Array.isArray(features) &&
    features.length === inputs.length &&
    inputs.every(({ type }, index) => INPUT_TYPE[type](features[index]))
  );
}
