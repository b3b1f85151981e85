/**
 * Population stability index of two histograms over the same bins: Σ (p − q) ln(p / q) over the bins' shares. 0 where
 * both are alike; 0.1 is taken for a small shift and 0.25 for a large one. Symmetric, never negative.
 *
 * A share has a floor, the same on both sides: half a row of the smaller side. An empty bin filled with next to nothing
 * would make the index as large as one likes, although all that is known is that the share is less than about one row's.
 */
export function populationStabilityIndex(reference: readonly number[], current: readonly number[]): number {
  const referenceRows = sum(reference);
  const currentRows = sum(current);
  const floor = 0.5 / Math.min(referenceRows, currentRows);
  let index = 0;
  for (const [bin, count] of reference.entries()) {
    const p = Math.max(count / referenceRows, floor);
    const q = Math.max((current[bin] ?? 0) / currentRows, floor);
    index += (p - q) * Math.log(p / q);
  }
  return index;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
