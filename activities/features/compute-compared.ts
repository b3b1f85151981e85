import { addDays, daysEndingWith, type Day } from '../../contracts/days';
import { MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import {
  listPartition,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { partitionHash, readReport } from './compute-report';

/** What a partition is compared with. */
export interface Compared {
  day: Day;
  rows: number;
  /** Its rows, on this machine. */
  pull(): Promise<readonly Pick<PulledObject, 'key' | 'path' | 'bytes'>[]>;
}

/** Days that others are computing at the same time: the first of them, and the first after them. */
export interface DaysUnderWay {
  from: Day;
  before: Day;
}

/** How far back something good is looked for. */
const LOOK_BACK_DAYS = 14;

/**
 * The newest earlier day that is good: its partition passed its checks, and is still what was checked. What stands of a
 * day under way depends on how far the others are; whether it is good is judged here, by its sources, so that the same
 * back-fill finds the same however its parts race. (Whether such a day is good compared with the one before it is left
 * to who computes it.)
 * @param judge The rows of a day under way, where they pass the checks that need no comparison.
 */
export async function findCompared(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
  underWay: DaysUnderWay | null,
  judge: (day: Day) => Promise<Compared | null>,
): Promise<Compared | null> {
  const days = daysEndingWith(addDays(day, -1), LOOK_BACK_DAYS);
  const standing = new Set(
    await listPartitionDays(store, Key.featureView(view), { from: days[0], to: days.at(-1) }),
  );
  for (const earlier of days.toReversed()) {
    let found: Compared | null = null;
    if (underWay && underWay.from <= earlier && earlier < underWay.before) {
      if (isCompared(view)) found = await orNothing(() => judge(earlier));
    } else if (standing.has(earlier)) {
      found = await checkedPartition(store, cache, view, earlier);
    }
    if (found) return found;
  }
  return null;
}

/** Whether a check of the view compares partitions; where none does, it is only told how the row count has changed. */
const isCompared = ({ checks, features }: FeatureView): boolean =>
  checks?.maxRowChange !== undefined || features.some(needsReference);

/** Whether a check of the feature needs the rows of what is compared with. */
export const needsReference = ({ checks }: FeatureView['features'][number]): boolean =>
  checks?.maxPsi !== undefined || checks?.maxOutlierShare !== undefined;

/** A day that cannot be computed is not good; who computes it says why. */
async function orNothing(judge: () => Promise<Compared | null>): Promise<Compared | null> {
  try {
    return await judge();
  } catch (error) {
    if (error instanceof MeridianError && !error.retryable) return null;
    throw error;
  }
}

async function checkedPartition(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<Compared | null> {
  const report = await readReport(store, view, day);
  if (!report) return null;
  const partition = Key.featurePartition(view, day);
  if (report.partition !== partitionHash(await listPartition(store, partition))) return null;
  return { day, rows: report.rows, pull: () => cache.pull(partition) };
}
