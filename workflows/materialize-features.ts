import { workflowInfo } from '@temporalio/workflow';
import type { ComputedFeatures } from '../activities/features';
import { daysBetween, type Day } from '../contracts/days';
import { ErrorCode, MeridianError, show } from '../contracts/errors';
import { validateMaterializeFeaturesInput } from '../contracts/generated/validators';
import type { FeatureView, MaterializeFeaturesInput } from '../contracts/generated/types';
import { features, registry } from './shared/activities';
import { asFailure, parseInput } from './shared/input';
import { lastCompleteDay } from './shared/pacific-date';
import { Run } from './shared/run';

export interface MaterializeResult {
  date: string;
  views: { view: string; entities: number; watermark: string }[];
}

/** Computes the day's features into the offline store and loads the newest of every entity into the online store. */
export async function materializeFeatures(raw: unknown): Promise<MaterializeResult> {
  const input = parseInput<MaterializeFeaturesInput>(
    validateMaterializeFeaturesInput,
    'materializeFeatures',
    raw,
  );
  const { trigger = 'person' } = input;
  const { startTime, workflowId, runId } = workflowInfo();
  const date = input.date ?? lastCompleteDay(startTime);
  const days = daysOf(input.from ?? date, date);
  const run = new Run(`Materialize features of ${days.length === 1 ? date : `${days[0]} to ${date}`}`, {
    trigger,
  });

  const views = await run.step(
    'views',
    { doing: 'Reading the declarations', done: (v) => v.map(({ name }) => name).join(', ') },
    () => declaredViews(input.models),
  );
  const results: MaterializeResult['views'] = [];
  for (const view of views) {
    await run.step(
      `compute ${view.name}`,
      {
        doing: 'Computing into the offline store',
        done: (r) => sayComputed(r, days.length),
      },
      () =>
        features.computeFeatures.executeWithOptions({ summary: `${view.name}: ${days.length} days` }, [
          { view, days, recompute: input.recompute },
        ]),
    );
    const loaded = await run.step(
      `load ${view.name}`,
      {
        doing: 'Loading into the online store',
        done: (r) => `${r.entities} entities, ${r.written} written, ${r.verified} read back`,
      },
      () =>
        features.materializeView.executeWithOptions({ summary: view.name }, [
          { view, asOf: date, runKey: `${workflowId}/${runId}` },
        ]),
    );
    results.push({ view: view.name, entities: loaded.entities, watermark: loaded.watermark });
  }
  return { date, views: results };
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

function sayComputed({ partitions, absent }: ComputedFeatures, days: number): string {
  const computed = `${partitions.filter((one) => one.computed).length} of ${days} days computed`;
  return absent.length > 0 ? `${computed}, nothing delivered on ${absent.join(', ')}` : computed;
}

/** The views of the models, each once. */
async function declaredViews(models?: string[]): Promise<FeatureView[]> {
  const names = models ?? (await registry.listModels());
  const resolved = await Promise.all(names.map((model) => registry.resolveDeclaration({ model })));
  const byName = new Map(
    resolved.flatMap(({ declaration }) => declaration.views).map((view) => [view.name, view]),
  );
  return [...byName.values()];
}
