import { Context } from '@temporalio/activity';
import { addDays, type Day } from '../../contracts/days';
import type { ComputedPartition, ComputeScope } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import {
  explainCorruption,
  listPartitionDays,
  withPartitionCache,
  type PartitionCache,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { computeDay, type DayOutcome } from './compute';
import { inspectDelivered, refuseStale } from './compute-delivered';
import type { DaysUnderWay } from './compute-compared';
import { partitionHash, readReport } from './compute-report';
import { actionFor, isComputed } from './compute-scope';

export interface ComputeFeaturesInput {
  view: FeatureView;
  days: Day[];
  /** Which of the days are computed; default `missing`. */
  scope?: ComputeScope;
  /**
   * First day of the back-fill that this is a part of: from it on up to the first of `days`, other parts are computing at
   * the same time.
   */
  since?: Day;
}

export interface ComputedFeatures {
  /** One a day that has a partition now, oldest first. */
  partitions: ComputedPartition[];
  /** Days of a view that others deliver, on which they delivered nothing: there is nothing to compute them from. */
  absent: Day[];
  /** A line for a person on each partition that was checked. */
  notes: string[];
}

/** Where a computation is; a later attempt passes over the days before. */
export interface ComputeHeartbeat {
  phase: 'computing';
  view: string;
  day: Day;
  done: number;
  of: number;
}

/** How far before the days asked for a partition is looked for that makes a missing one a gap. */
const GAP_DAYS = 14;

/**
 * The activity `computeFeatures`: computes the days of its scope, oldest first, each checked before it is written. A
 * view without a transformation is delivered as it is; what was delivered is checked, once. A partition is written as a
 * whole, so that an attempt after a kill goes on with the day that was under way.
 * @throws MeridianError MissingObject or CorruptObject (naming the raw object), DataQualityBreach, InvalidInput.
 */
export const createComputeFeatures =
  ({ store }: { store: ObjectStore }) =>
  async ({ view, days, scope = 'missing', since }: ComputeFeaturesInput): Promise<ComputedFeatures> =>
    withPartitionCache(store, async (cache) => {
      const sorted = [...days].sort();
      const result: ComputedFeatures = { partitions: [], absent: [], notes: [] };
      const standing = await standingDays(store, view, sorted);
      const underWay =
        since !== undefined && sorted[0] !== undefined ? { from: since, before: sorted[0] } : null;
      const resumeAt = doneBefore(view, sorted);
      for (const [done, day] of sorted.entries()) {
        heartbeat({
          phase: 'computing',
          view: view.name,
          day,
          done,
          of: sorted.length,
        } satisfies ComputeHeartbeat);
        const action = await actionFor(store, cache, view, day, done < resumeAt ? 'missing' : scope, {
          // A folder may hold no Parquet file.
          stands: standing.includes(day) && (await cache.list(Key.featurePartition(view, day))).length > 0,
          isGap: standing.some((one) => one < day),
        });
        if (action === 'absent') result.absent.push(day);
        else if (action === 'keep') result.partitions.push(await kept(store, cache, view, day));
        else if (action !== 'pass over') {
          const { summary, written, ...partition } = await newOutcome(store, cache, view, day, underWay);
          result.partitions.push({ day, ...partition, computed: written });
          result.notes.push(summary);
          standing.push(day);
        }
      }
      if (scope !== 'late') await refuseStale(cache, view, result.absent, standing);
      return result;
    });

const newOutcome = (
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
  underWay: DaysUnderWay | null,
): Promise<DayOutcome> =>
  isComputed(view)
    ? computeDay(store, cache, view, day, new Date(), underWay)
    : inspectDelivered(store, cache, view, day, new Date(), underWay);

async function standingDays(store: ObjectStore, view: FeatureView, sorted: readonly Day[]): Promise<Day[]> {
  if (sorted.length === 0) return [];
  const daysOfAge = Math.ceil((view.checks?.maxAgeHours ?? 0) / 24) + 1;
  const window = { from: addDays(sorted[0]!, -Math.max(GAP_DAYS, daysOfAge)), to: sorted.at(-1)! };
  return listPartitionDays(store, Key.featureView(view), window);
}

/** How many of the days an earlier attempt has been through: it need not compute them again, whatever the scope. */
function doneBefore(view: FeatureView, sorted: readonly Day[]): number {
  const last = Context.current().info.heartbeatDetails as ComputeHeartbeat | undefined;
  return last?.view === view.name && sorted[last.done] === last.day ? last.done : 0;
}

async function kept(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
): Promise<ComputedPartition> {
  const partition = Key.featurePartition(view, day);
  const objects = await cache.list(partition);
  const report = await readReport(store, view, day);
  const known = report !== null && report.partition === partitionHash(objects);
  return {
    day,
    key: objects.length === 1 ? objects[0]!.key : partition,
    rows: known ? report.rows : await countRows(cache, partition),
    computed: false,
    checks: 0,
  };
}

async function countRows(cache: PartitionCache, partition: string): Promise<number> {
  const pulled = await cache.pull(partition);
  const files = parquetFiles(pulled.map(({ path }) => path));
  return withDatabase((database) =>
    explainCorruption(
      database,
      pulled,
      async () => (await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${files}`)).rows,
    ),
  );
}
