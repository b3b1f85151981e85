import type { ComputedFeatures } from '../../activities/features';
import type { Day } from '../../contracts/days';
import type { ComputeScope } from '../../contracts/features';
import type { FeatureView } from '../../contracts/generated/types';
import { features } from './activities';

/** A lost activity costs no more than these days again, and a year is some fifty activities. */
const DAYS_PER_ACTIVITY = 7;
/** One fewer than a data worker runs at a time: a long back-fill leaves room for the night's load. */
const IN_FLIGHT = 3;

/** What was computed, and the days that were not, with the reason. */
export interface BackFill extends ComputedFeatures {
  failures: { days: Day[]; error: unknown }[];
}

/**
 * Computes a view over any number of days, a few activities at a time. One that fails does not stop the others, so that
 * asking again computes only what is missing.
 */
export async function computeDays(
  view: FeatureView,
  days: readonly Day[],
  scope: ComputeScope,
  daysPerActivity = DAYS_PER_ACTIVITY,
): Promise<BackFill> {
  const batches = Array.from({ length: Math.ceil(days.length / daysPerActivity) }, (_, index) =>
    days.slice(index * daysPerActivity, (index + 1) * daysPerActivity),
  );
  const results: (ComputedFeatures | undefined)[] = [];
  const failures: BackFill['failures'] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < batches.length) {
      const index = next++;
      const batch = batches[index]!;
      try {
        results[index] = await features.computeFeatures.executeWithOptions(
          { summary: `${view.name}: ${batch.length === 1 ? batch[0] : `${batch[0]} to ${batch.at(-1)}`}` },
          [{ view, days: batch, scope, since: days[0] }],
        );
      } catch (error) {
        failures.push({ days: batch, error });
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const computed = results.filter((result) => result !== undefined);
  return {
    partitions: computed.flatMap(({ partitions }) => partitions),
    absent: computed.flatMap(({ absent }) => absent),
    notes: computed.flatMap(({ notes }) => notes),
    failures,
  };
}
