import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { limit } from '../../platform/concurrency';
import type { PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { inspectDelivered } from './compute-delivered';
import { partitionHash, readReport } from './compute-report';

/** A partition that passed its checks, and is what was checked. */
export interface AdmittedPartition {
  day: Day;
  /** Whether others delivered it: its rows are of any time then, not of the day's end. */
  delivered: boolean;
}

export interface Admission {
  /** In the order of the days. */
  admitted: AdmittedPartition[];
  /** What did not pass, each with its DataQualityBreach. */
  refused: { day: Day; breach: MeridianError }[];
}

const REPORTS_IN_FLIGHT = 16;

/**
 * Which of the days' partitions may be loaded or trained on. One without the report of a check that it passed, as it
 * stands, is checked now: it was laid down or replaced since, or has never been looked at.
 * @param onCheck Called before each of those checks, which read the partition.
 * @throws MeridianError CorruptObject (naming the object).
 */
export async function admitPartitions(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  days: readonly Day[],
  onCheck: (day: Day) => void = () => undefined,
): Promise<Admission> {
  const limited = limit(REPORTS_IN_FLIGHT);
  const known = await Promise.all(days.map((day) => limited(() => findAdmitted(store, cache, view, day))));
  const admission: Admission = { admitted: [], refused: [] };
  // Oldest first, one after the other: each is compared with the last good one before it.
  for (const [index, day] of days.entries()) {
    try {
      const admitted = known[index];
      if (!admitted) onCheck(day);
      admission.admitted.push(admitted ?? (await check(store, cache, view, day)));
    } catch (error) {
      if (!(error instanceof MeridianError) || error.code !== ErrorCode.DataQualityBreach) throw error;
      admission.refused.push({ day, breach: error });
    }
  }
  return admission;
}

async function findAdmitted(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<AdmittedPartition | null> {
  const report = await readReport(store, view, day);
  if (report?.partition !== partitionHash(await cache.list(Key.featurePartition(view, day)))) return null;
  return { day, delivered: report.computedFrom === null };
}

async function check(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<AdmittedPartition> {
  await inspectDelivered(store, cache, view, day, new Date(), null);
  return { day, delivered: true };
}
