import { addDays, endOfDay, type Day } from '../../../contracts/days';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { SECONDS_PER_DAY } from '../../../contracts/feature-view';
import { Key } from '../../../contracts/ids';
import type { FeatureView } from '../../../contracts/model';
import { listPartitionDays, type PartitionCache, type PulledObject } from '../../../platform/partitions';
import type { ObjectStore } from '../../../platform/s3';
import { admitPartitions, type AdmittedPartition } from '../../features/admission';

/** The first and the last time that a frame asks about on one day (UTC), in microseconds since 1970. */
export interface AskedTimes {
  first: bigint;
  last: bigint;
}

const MICROSECONDS = 1_000_000n;

const PUSHED_ONLY =
  'Values that are pushed are kept online only: whoever pushes must deliver them as partitions, too. ';

/**
 * Pulls the partitions whose rows these times can see through the view's ttl, and no others. A partition `dt=D` that
 * the platform computed holds rows of the end of D only; one that others delivered (or nobody has checked yet) may hold
 * any time from the beginning of D to its end. Each must have passed its checks; those that were never checked are now.
 * @throws MeridianError MissingObject where times are asked about, and no partition can be seen from them;
 * DataQualityBreach where one that can be seen does not pass; CorruptObject.
 */
export async function pullVisible(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  asked: readonly AskedTimes[],
): Promise<PulledObject[]> {
  if (asked.length === 0) return [];
  const window = { from: oldestDay(view, asked), to: dayOf(newest(asked)) };
  const days = (await listPartitionDays(store, Key.featureView(view), window)).filter((day) =>
    isVisible(view, { day, delivered: true }, asked),
  );
  const { admitted, refused } = await admitPartitions(store, cache, view, days);
  // What is trained on must not depend on whether somebody happened to look at a partition before.
  if (refused.length > 0) throw refused[0]!.breach;
  const visible = admitted.filter((partition) => isVisible(view, partition, asked));
  if (visible.length === 0) {
    const from = window.from === undefined ? 'any day' : window.from;
    throw new MeridianError(
      ErrorCode.MissingObject,
      `${store.uri(Key.featureView(view))}: expected partitions from ${from} to ${window.to}, found none. ` +
        `Nothing was written. ${view.push ? PUSHED_ONLY : ''}Compute or deliver the features of those days, then retry.`,
    );
  }
  return (await Promise.all(visible.map(({ day }) => cache.pull(Key.featurePartition(view, day))))).flat();
}

/** Whether some row of the day's partition can lie between one of the times and its ttl before it, both included. */
function isVisible(
  view: FeatureView,
  { day, delivered }: AdmittedPartition,
  asked: readonly AskedTimes[],
): boolean {
  const end = microsecondsOf(endOfDay(day));
  const begin = delivered ? microsecondsOf(`${day}T00:00:00Z`) : end;
  return asked.some(
    ({ first, last }) => begin <= last && (view.ttlSeconds === 0 || end >= first - ttlOf(view)),
  );
}

/** The day before is looked at too: its end is this day's beginning. Without a ttl there is no oldest. */
function oldestDay(view: FeatureView, asked: readonly AskedTimes[]): Day | undefined {
  if (view.ttlSeconds === 0) return undefined;
  const first = asked.reduce((least, times) => (times.first < least ? times.first : least), asked[0]!.first);
  return addDays(dayOf(first - ttlOf(view)), -1);
}

const newest = (asked: readonly AskedTimes[]): bigint =>
  asked.reduce((most, { last }) => (last > most ? last : most), asked[0]!.last);

const ttlOf = ({ ttlSeconds }: FeatureView): bigint => BigInt(ttlSeconds) * MICROSECONDS;

const microsecondsOf = (instant: string): bigint => BigInt(Date.parse(instant)) * 1000n;

/** Partitions are named with four digits of a year: other years stand at the ends of their range. */
function dayOf(microseconds: bigint): Day {
  const day = microseconds / (BigInt(SECONDS_PER_DAY) * MICROSECONDS);
  const ms = Number(day) * SECONDS_PER_DAY * 1000;
  if (ms < Date.parse('0001-01-02')) return '0001-01-02';
  if (ms > Date.parse('9999-12-31')) return '9999-12-31';
  return new Date(ms).toISOString().slice(0, 10);
}
