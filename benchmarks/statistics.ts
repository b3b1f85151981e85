/**
 * The q-quantile (0 ≤ q ≤ 1) by linear interpolation between the two nearest values, as NumPy's default
 * (Hyndman and Fan, 1996, definition 7).
 * @throws RangeError for no values
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('A quantile of no values: expected at least one.');
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
