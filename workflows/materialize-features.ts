import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Day } from '../contracts/days';
import { ErrorCode } from '../contracts/errors';
import { isKeptOnline } from '../contracts/feature-view';
import type { MaterializedView } from '../contracts/features';
import { validateMaterializeFeaturesInput } from '../contracts/generated/validators';
import type { FeatureView, MaterializeFeaturesInput } from '../contracts/generated/types';
import { features, notifications, privacy, registry } from './shared/activities';
import { daysOf } from './shared/day-range';
import { summarize, unlessCancelled } from './shared/failure';
import { ensurePartitions, newestPresent, type Partitions } from './shared/feature-partitions';
import { parseInput } from './shared/input';
import { lastCompleteDay } from './shared/pacific-date';
import { Run } from './shared/run';

export interface LoadedView {
  view: string;
  version: number;
  entities: number;
  written: number;
  removed: number;
  /** The day up to which the view is loaded; null where it is kept offline only. */
  watermark: Day | null;
  /** Days whose upstream partition was missing, and without which the load went on. */
  missing: Day[];
}

export interface MaterializeResult {
  date: Day;
  views: LoadedView[];
  /** Views that a person left as they were. */
  skipped: string[];
  /** Entities on the list of those who asked to be left out, and how many of them this run took out. */
  optOuts: { entities: number; removed: number };
}

/** What a run does for each view. */
interface Load {
  run: Run;
  days: Day[];
  recompute: boolean;
  runKey: string;
}

/**
 * Computes the day's features into the offline store and loads the newest of every entity into the online store, but for
 * views that are kept offline only. A view
 * in trouble waits until all others are loaded, and only then for a person.
 */
export async function materializeFeatures(raw: unknown): Promise<MaterializeResult> {
  const input = parseInput<MaterializeFeaturesInput>(
    validateMaterializeFeaturesInput,
    'materializeFeatures',
    raw,
  );
  const { trigger = 'person', models, recompute = false } = input;
  const { startTime, workflowId, firstExecutionRunId } = workflowInfo();
  const runKey = `${workflowId}/${firstExecutionRunId}`;
  const date = input.date ?? lastCompleteDay(startTime);
  const days = daysOf('materializeFeatures', input.from ?? date, date);
  const run = new Run(`Materialize features of ${days.length === 1 ? date : `${days[0]} to ${date}`}`, {
    trigger,
  });
  const load: Load = { run, days, recompute, runKey };

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

  const loaded: LoadedView[] = [];
  const inTrouble: FeatureView[] = [];
  for (const view of views) {
    const result = await loadView(load, view, { putOff: true }).catch(unlessItEndsTheRun);
    if (result) loaded.push(result);
    else inTrouble.push(view);
  }
  const skipped: string[] = [];
  for (const view of inTrouble) {
    const result = await loadView(load, view, { skip: () => null });
    if (result) loaded.push(result);
    else skipped.push(view.name);
  }
  return {
    date,
    views: loaded,
    skipped,
    optOuts: { entities: optOuts.entities, removed: optOuts.removed },
  };
}

/** Computes and loads one view. @returns null where a person left it as it was */
async function loadView(
  { run, days, recompute, runKey }: Load,
  view: FeatureView,
  inTrouble: { putOff: true } | { skip: () => null },
): Promise<LoadedView | null> {
  const partitions = await run.step<Partitions | null>(
    `compute ${view.name}`,
    {
      doing: 'Computing into the offline store',
      done: (r) => (r ? sayComputed(r, days) : ''),
      ...inTrouble,
    },
    () => ensurePartitions(view, days, recompute),
  );
  if (!partitions) return null;
  const { missing, trouble } = partitions;
  const asOf = newestPresent(days, missing);
  if (missing.length > 0 || trouble.length > 0) {
    const { workflowId } = workflowInfo();
    await notifications
      .notifyLate({ view: view.name, missing, trouble, using: asOf, workflowId })
      .catch(unlessCancelled);
  }
  if (!isKeptOnline(view)) return keptOffline(view, partitions, asOf);
  const result = await run.step<MaterializedView | null>(
    `load ${view.name}`,
    {
      doing: `Loading up to ${asOf} into the online store`,
      done: (r) => (r ? sayLoaded(r) : ''),
      ...inTrouble,
    },
    () => features.materializeView.executeWithOptions({ summary: view.name }, [{ view, asOf, runKey }]),
  );
  if (!result) return null;
  const { entities, written, removed, watermark } = result;
  return { view: view.name, version: view.version, entities, written, removed, watermark, missing };
}

/** What came of a view that has nothing to load. */
function keptOffline(
  { name, version }: FeatureView,
  { partitions, missing }: Partitions,
  asOf: Day,
): LoadedView {
  const entities = partitions.find(({ day }) => day === asOf)?.rows ?? 0;
  return { view: name, version, entities, written: 0, removed: 0, watermark: null, missing };
}

/** A view in trouble is come back to; a cancelled run ends, as does one that a person aborts. */
function unlessItEndsTheRun(error: unknown): null {
  if (isCancellation(error) || summarize(error).type === ErrorCode.StepAborted) throw error;
  return null;
}

function sayComputed(
  { partitions, absent, notes, missing, trouble }: Partitions,
  days: readonly Day[],
): string {
  const computed = `${partitions.filter((one) => one.computed).length} computed of ${days.length} days`;
  const delivered = absent.length > 0 ? `, nothing delivered on ${absent.join(', ')}` : '';
  const late = missing.length > 0 ? `, **late**: going on without ${missing.join(', ')}` : '';
  return [computed + delivered + late, ...notes, ...trouble.map((text) => `look-back: ${text}`)].join(
    '\n  - ',
  );
}

function sayLoaded({ entities, written, removed, verified, watermark, leftOut }: MaterializedView): string {
  const found = entities === 0 ? '**no entity** has a row alive' : `${entities} entities`;
  const loaded = `${found}, ${written} written, ${removed} removed, ${verified} read back; loaded up to ${watermark}`;
  return leftOut.length === 0 ? loaded : `${loaded}; **left out**, for failed checks: ${leftOut.join(', ')}`;
}
