import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { ComputedFeatures } from '../activities/features';
import { addDays, daysBetween, daysEndingWith, type Day } from '../contracts/days';
import { ErrorCode, MeridianError, show } from '../contracts/errors';
import { lookBackOf } from '../contracts/feature-view';
import type { MaterializedView } from '../contracts/features';
import { validateMaterializeFeaturesInput } from '../contracts/generated/validators';
import type { FeatureView, MaterializeFeaturesInput } from '../contracts/generated/types';
import { features, notifications, privacy, registry } from './shared/activities';
import { computeDays } from './shared/back-fill';
import { summarize, unlessCancelled } from './shared/failure';
import { asFailure, parseInput } from './shared/input';
import { lastCompleteDay } from './shared/pacific-date';
import { Run } from './shared/run';

export interface MaterializeResult {
  date: Day;
  views: {
    view: string;
    version: number;
    entities: number;
    written: number;
    removed: number;
    watermark: Day;
    /** The upstream partition was missing, and the load went on with the day before. */
    late: boolean;
  }[];
  /** Entities on the list of those who asked to be left out, and how many of them this run took out. */
  optOuts: { entities: number; removed: number };
}

/** What a view's partitions came to; `late` tells what is missing where the load goes on without it. */
type Computed = ComputedFeatures & { late: string | null };

/** Computes the day's features into the offline store and loads the newest of every entity into the online store. */
export async function materializeFeatures(raw: unknown): Promise<MaterializeResult> {
  const input = parseInput<MaterializeFeaturesInput>(
    validateMaterializeFeaturesInput,
    'materializeFeatures',
    raw,
  );
  const { trigger = 'person', models } = input;
  const { startTime, workflowId, firstExecutionRunId } = workflowInfo();
  const runKey = `${workflowId}/${firstExecutionRunId}`;
  const date = input.date ?? lastCompleteDay(startTime);
  const days = daysOf(input.from ?? date, date);
  const run = new Run(`Materialize features of ${days.length === 1 ? date : `${days[0]} to ${date}`}`, {
    trigger,
  });

  const views = await run.step(
    'views',
    { doing: 'Reading the feature views', done: (v) => v.map(({ name }) => name).join(', ') },
    () => registry.viewsToLoad({ models, views: input.views }),
  );
  const optOuts = await run.step(
    'opt-outs',
    {
      doing: 'Taking out who asked to be left out',
      done: (proof) =>
        `${proof.entities} on the list, ${proof.removed} taken out, ${proof.verified} read back`,
    },
    () => privacy.enforceOptOuts({ views, runKey }),
  );
  const results: MaterializeResult['views'] = [];
  for (const view of views) {
    const computed = await run.step<Computed>(
      `compute ${view.name}`,
      { doing: 'Computing into the offline store', done: (r) => sayComputed(r, days.length) },
      () => compute(view, days, input.recompute ?? false),
    );
    const asOf = computed.late === null ? date : addDays(date, -1);
    if (computed.late !== null)
      await notifications
        .notifyLate({ view: view.name, day: date, using: asOf, workflowId })
        .catch(unlessCancelled);
    const loaded = await run.step(
      `load ${view.name}`,
      { doing: `Loading up to ${asOf} into the online store`, done: sayLoaded },
      () => features.materializeView.executeWithOptions({ summary: view.name }, [{ view, asOf, runKey }]),
    );
    const { entities, written, removed, watermark } = loaded;
    results.push({
      view: view.name,
      version: view.version,
      entities,
      written,
      removed,
      watermark,
      late: computed.late !== null,
    });
  }
  return { date, views: results, optOuts: { entities: optOuts.entities, removed: optOuts.removed } };
}

/**
 * The partitions of the days asked for, and of those before them what has changed since. Where an upstream partition is
 * missing and the view says so, the load goes on with the day before.
 */
async function compute(view: FeatureView, days: readonly Day[], recompute: boolean): Promise<Computed> {
  const before = daysEndingWith(addDays(days[0]!, -1), lookBackOf(view));
  try {
    const late = await computeDays(view, before, 'late');
    const asked = await computeDays(view, days, recompute ? 'all' : 'changed');
    return {
      partitions: [...late.partitions.filter(({ computed }) => computed), ...asked.partitions],
      absent: asked.absent,
      notes: [...late.notes, ...asked.notes],
      late: null,
    };
  } catch (error) {
    if (isCancellation(error) || view.whenLate !== 'use-previous') throw error;
    const failure = summarize(error);
    if (failure.type !== ErrorCode.MissingObject) throw error;
    return { partitions: [], absent: [], notes: [], late: failure.message };
  }
}

/** @throws ApplicationFailure InvalidInput where there is no day to compute */
function daysOf(from: Day, date: Day): Day[] {
  const days = daysBetween(from, date);
  if (days.length > 0) return days;
  const expected = `a date no later than ${date}`;
  throw asFailure(
    new MeridianError(
      ErrorCode.InvalidInput,
      `materializeFeatures: from: expected ${expected}, found ${show(from)}. Nothing was done. Start again with a corrected input.`,
      [{ field: 'from', found: show(from), expected }],
    ),
  );
}

function sayComputed({ partitions, absent, notes, late }: Computed, days: number): string {
  if (late !== null) return `**late**, going on with the day before: ${late}`;
  const computed = `${partitions.filter((one) => one.computed).length} computed of ${days} days`;
  const delivered = absent.length > 0 ? `, nothing delivered on ${absent.join(', ')}` : '';
  return [computed + delivered, ...notes].join('\n  - ');
}

const sayLoaded = ({ entities, written, removed, verified }: MaterializedView): string =>
  `${entities} entities, ${written} written, ${removed} removed, ${verified} read back`;
