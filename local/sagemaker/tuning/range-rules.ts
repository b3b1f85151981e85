import type { ContinuousParameterRange, ParameterRanges } from '@aws-sdk/client-sagemaker';
import { validationError } from '../api/errors';

const MOST_RANGES = 30;
const INTEGER = /^[+-]?\d+$/;

/**
 * Ranges and their scales; `fixed` are the names of the static hyperparameters.
 * @throws ApiError for the first range that is wrong
 */
export function checkRanges(ranges: ParameterRanges, fixed: string[]): void {
  const { ContinuousParameterRanges: continuous, IntegerParameterRanges: integer } = ranges;
  const { CategoricalParameterRanges: categorical, AutoParameters } = ranges;
  if (AutoParameters && AutoParameters.length > 0) {
    throw validationError(
      'AutoParameters can be provided only with Autotune, which the local service does not have.',
    );
  }
  const names = [...(continuous ?? []), ...(integer ?? []), ...(categorical ?? [])].map(({ Name }) => Name!);
  if (names.length === 0) throw validationError('At least one hyperparameter range must be provided.');
  if (names.length > MOST_RANGES) {
    throw validationError(
      `The number of hyperparameter ranges [${names.length}] must not exceed ${MOST_RANGES}.`,
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i || fixed.includes(name));
  if (twice !== undefined) {
    throw validationError(
      `The hyperparameter ${twice} is given more than once in static hyperparameters and ranges.`,
    );
  }
  for (const range of continuous ?? []) checkNumeric(range, false);
  for (const range of integer ?? []) checkNumeric(range, true);
  for (const { Name, Values } of categorical ?? []) {
    if (new Set(Values).size < Values!.length) {
      throw validationError(`The values of the categorical hyperparameter ${Name} must be unique.`);
    }
  }
}

function checkNumeric(
  { Name, MinValue, MaxValue, ScalingType }: ContinuousParameterRange,
  whole: boolean,
): void {
  const [low, high] = [MinValue!, MaxValue!].map((text) => numberOf(Name!, text, whole)) as [number, number];
  if (low > high) {
    throw validationError(
      `The MinValue [${MinValue}] of the hyperparameter ${Name} must not exceed its MaxValue [${MaxValue}].`,
    );
  }
  if (ScalingType === 'Logarithmic' && low <= 0) {
    throw validationError(`Logarithmic scaling of the hyperparameter ${Name} needs values greater than 0.`);
  }
  if (ScalingType === 'ReverseLogarithmic' && whole) {
    throw validationError(`ReverseLogarithmic scaling of ${Name} is supported for continuous ranges only.`);
  }
  if (ScalingType === 'ReverseLogarithmic' && (low < 0 || high >= 1)) {
    throw validationError(`ReverseLogarithmic scaling of the hyperparameter ${Name} needs 0 <= x < 1.`);
  }
}

function numberOf(name: string, text: string, whole: boolean): number {
  const value = Number(text);
  const isNumber = text.trim() !== '' && Number.isFinite(value) && (!whole || INTEGER.test(text));
  if (isNumber) return value;
  throw validationError(
    `${text} is not ${whole ? 'an integer' : 'a number'}, as the range of ${name} expects.`,
  );
}
