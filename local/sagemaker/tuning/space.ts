import type { HyperParameterScalingType, ParameterRanges } from '@aws-sdk/client-sagemaker';

export type Scale = 'linear' | 'log' | 'reverse-log';

/** One searched hyperparameter. */
export type Parameter =
  | { name: string; kind: 'categorical'; values: string[] }
  | { name: string; kind: 'continuous' | 'integer'; low: number; high: number; scale: Scale };

/** Beyond this many times the lower bound, Auto searches a range by its orders of magnitude. */
const WIDE = 100;

export function spaceOf(ranges: ParameterRanges): Parameter[] {
  const numeric = (kind: 'continuous' | 'integer', listed: ParameterRanges['ContinuousParameterRanges']) =>
    (listed ?? []).map(({ Name, MinValue, MaxValue, ScalingType }): Parameter => {
      const [low, high] = [Number(MinValue), Number(MaxValue)];
      return { name: Name!, kind, low, high, scale: scaleOf(ScalingType, low, high) };
    });
  return [
    ...numeric('continuous', ranges.ContinuousParameterRanges),
    ...numeric('integer', ranges.IntegerParameterRanges),
    ...(ranges.CategoricalParameterRanges ?? []).map(({ Name, Values }): Parameter => ({
      name: Name!,
      kind: 'categorical',
      values: Values!,
    })),
  ];
}

function scaleOf(type: HyperParameterScalingType | undefined, low: number, high: number): Scale {
  if (type === 'Logarithmic') return 'log';
  if (type === 'ReverseLogarithmic') return 'reverse-log';
  return (type ?? 'Auto') === 'Auto' && low > 0 && high / low >= WIDE ? 'log' : 'linear';
}

/** How many combinations there are; infinite with a continuous range that is not a point. */
export const combinations = (space: Parameter[]): number =>
  space.reduce((product, parameter) => product * countOf(parameter), 1);

function countOf(parameter: Parameter): number {
  if (parameter.kind === 'categorical') return parameter.values.length;
  if (parameter.kind === 'integer') return parameter.high - parameter.low + 1;
  return parameter.low === parameter.high ? 1 : Number.POSITIVE_INFINITY;
}

/** A value as a hyperparameter of the child, and back: numbers in a search, text in SageMaker. */
export const asText = (value: number | string): string => String(value);
export const asValue = ({ kind }: Parameter, text: string): number | string =>
  kind === 'categorical' ? text : Number(text);
