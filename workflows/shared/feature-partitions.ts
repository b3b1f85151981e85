import { isCancellation } from '@temporalio/workflow';
import { addDays, daysEndingWith, type Day } from '../../contracts/days';
import { ErrorCode } from '../../contracts/errors';
import { lookBackOf } from '../../contracts/feature-view';
import type { ComputedPartition } from '../../contracts/features';
import type { FeatureView } from '../../contracts/generated/types';
import { computeDays, type BackFill } from './back-fill';
import { summarize } from './failure';

/** What a view's partitions came to. */
export interface Partitions {
  partitions: ComputedPartition[];
  /** Days on which nothing was delivered. */
  absent: Day[];
  /** Lines for people. */
  notes: string[];
  /** Days asked for that have no upstream partition, where the view goes on without it. */
  missing: Day[];
  /** Why days of the look-back could not be computed again. */
  trouble: string[];
}

/**
 * Computes the days asked for, and then those of the look-back before them where data has come late. What the look-back
 * lacks is told, and holds nothing up: the days asked for do not rest on it.
 * @throws The failure of a day asked for, unless the view goes on where an upstream partition is missing.
 */
export async function ensurePartitions(
  view: FeatureView,
  days: readonly Day[],
  recompute: boolean,
): Promise<Partitions> {
  const asked = await computeAsked(view, days, recompute);
  const before = daysEndingWith(addDays(days[0]!, -1), lookBackOf(view));
  const late = await computeDays(view, before, 'late');
  throwCancellation(late);
  return {
    partitions: [...late.partitions.filter(({ computed }) => computed), ...asked.partitions],
    absent: asked.absent,
    notes: [...late.notes, ...asked.notes],
    missing: asked.missing,
    trouble: late.failures.map(({ error }) => summarize(error).message),
  };
}

async function computeAsked(
  view: FeatureView,
  days: readonly Day[],
  recompute: boolean,
): Promise<Omit<Partitions, 'trouble'>> {
  const scope = recompute ? 'all' : 'changed';
  const computed = await computeDays(view, days, scope);
  const { failures } = computed;
  throwCancellation(computed);
  const worst = failures.find(({ error }) => !isMissing(error)) ?? failures[0];
  if (worst && (view.whenLate !== 'use-previous' || !isMissing(worst.error))) throw worst.error;
  // Day by day, so that only those are passed over which are really missing.
  const again = await computeDays(
    view,
    failures.flatMap((failure) => failure.days),
    scope,
    1,
  );
  throwCancellation(again);
  const other = again.failures.find(({ error }) => !isMissing(error));
  if (other) throw other.error;
  return {
    partitions: [...computed.partitions, ...again.partitions],
    absent: [...computed.absent, ...again.absent],
    notes: [...computed.notes, ...again.notes],
    missing: again.failures.flatMap((failure) => failure.days).sort(),
  };
}

/** The newest of the days that has its partition; the day before them where none has. */
export function newestPresent(days: readonly Day[], missing: readonly Day[]): Day {
  return days.findLast((day) => !missing.includes(day)) ?? addDays(days[0]!, -1);
}

const isMissing = (error: unknown): boolean => summarize(error).type === ErrorCode.MissingObject;

function throwCancellation({ failures }: BackFill): void {
  const cancelled = failures.find(({ error }) => isCancellation(error));
  if (cancelled) throw cancelled.error;
}
