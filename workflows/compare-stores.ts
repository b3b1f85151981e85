import { workflowInfo } from '@temporalio/workflow';
import type { Day } from '../contracts/days';
import type { StoreComparison } from '../contracts/features';
import { validateCompareStoresInput } from '../contracts/generated/validators';
import type { CompareStoresInput } from '../contracts/generated/types';
import { features, notifications, registry } from './shared/activities';
import { parseInput } from './shared/input';
import { pacificDate } from './shared/pacific-date';
import { Run } from './shared/run';

export interface CompareStoresResult {
  date: Day;
  /** The lowest score of all views. */
  score: number;
  views: StoreComparison[];
}

/** Compares a sample of what is online with what the offline store says should be, and reports how equal they are. */
export async function compareStores(raw: unknown): Promise<CompareStoresResult> {
  const input = parseInput<CompareStoresInput>(validateCompareStoresInput, 'compareStores', raw);
  const { trigger = 'person', sample = 1000, minScore = 0.999 } = input;
  const { startTime, workflowId } = workflowInfo();
  const date = input.date ?? pacificDate(startTime);
  const run = new Run(`Compare online and offline features, ${date}`, { trigger });

  const views = await run.step(
    'views',
    { doing: 'Reading the feature views', done: (v) => v.map(({ name }) => name).join(', ') },
    () => registry.viewsToLoad({ views: input.views, onlineOnly: true }),
  );
  const comparisons: StoreComparison[] = [];
  for (const view of views) {
    // The seed is the run's: every night looks at other entities, and a retry at the same.
    const comparison = await run.step(
      `compare ${view.name}`,
      { doing: `Comparing ${sample} entities`, done: sayComparison },
      () =>
        features.compareStores.executeWithOptions({ summary: view.name }, [
          { view, sample, seed: workflowId },
        ]),
    );
    comparisons.push(comparison);
  }
  await run.step(
    'report',
    { doing: 'Reporting the scores', done: () => `the team is told below ${minScore}` },
    () => notifications.reportConsistency({ comparisons, minScore, workflowId }),
  );
  return { date, score: Math.min(1, ...comparisons.map(({ score }) => score)), views: comparisons };
}

function sayComparison({ compared, equal, pushed, score, examples, watermark }: StoreComparison): string {
  if (watermark === null) return 'never loaded';
  const counts = `score ${score.toFixed(4)}: ${equal} of ${compared} equal, ${pushed} pushed since, loaded up to ${watermark}`;
  return [counts, ...examples].join('\n  - ');
}
