import type { ComputedFeatures } from '../../activities/features';
import type { Day } from '../../contracts/days';
import type { ComputeScope } from '../../contracts/features';
import type { FeatureView } from '../../contracts/generated/types';
import { features } from './activities';

/** Days one activity computes: a lost one costs little, and a year is some fifty of them. */
const DAYS_PER_ACTIVITY = 7;
/** As many as one data worker runs at a time. */
const IN_FLIGHT = 4;

/**
 * Computes a view over any number of days, a few activities at a time. One that fails does not stop the others, so that
 * asking again computes only what is missing.
 */
export async function computeDays(
  view: FeatureView,
  days: readonly Day[],
  scope: ComputeScope,
): Promise<ComputedFeatures> {
  const batches = Array.from({ length: Math.ceil(days.length / DAYS_PER_ACTIVITY) }, (_, index) =>
    days.slice(index * DAYS_PER_ACTIVITY, (index + 1) * DAYS_PER_ACTIVITY),
  );
  const results: ComputedFeatures[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < batches.length) {
      const index = next++;
      const batch = batches[index]!;
      try {
        results[index] = await features.computeFeatures.executeWithOptions(
          { summary: `${view.name}: ${batch.length === 1 ? batch[0] : `${batch[0]} to ${batch.at(-1)}`}` },
          [{ view, days: batch, scope }],
        );
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  if (failures.length > 0) throw failures[0];
  return {
    partitions: results.flatMap(({ partitions }) => partitions),
    absent: results.flatMap(({ absent }) => absent),
    notes: results.flatMap(({ notes }) => notes),
  };
}
