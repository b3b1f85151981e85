import type { Evaluation, Metric } from '../../contracts/evaluation';
import { bootstrap, differences, intervals } from './bootstrap';
import type { Resampling } from './bootstrap';
import { measure } from './metrics';
import type { RankedRows } from './metrics';

export interface Comparison {
  metrics: Record<string, Metric>;
  confusion: Evaluation['confusion'];
  /** Null without a champion's rows. Differences are candidate − champion. */
  champion: { metrics: Record<string, Metric>; differences: Record<string, Metric> } | null;
}

/** Measures a candidate, and the champion on the same rows, each with intervals from the same resamples. */
export async function compare(
  candidate: RankedRows,
  champion: RankedRows | null,
  entities: number,
  resampling: Resampling,
  onResample: (done: number) => Promise<void>,
): Promise<Comparison> {
  const everyEntityOnce = new Uint8Array(entities).fill(1);
  const models = champion ? [candidate, champion] : [candidate];
  const draws = await bootstrap(models, entities, resampling, onResample);
  const measured = models.map((rows, model) => {
    const { metrics: values, confusion } = measure(rows, everyEntityOnce);
    return { values, confusion, draws: draws[model]! };
  });
  const [ours, theirs] = measured;
  return {
    metrics: intervals(ours!.values, ours!.draws),
    confusion: ours!.confusion,
    champion: theirs
      ? { metrics: intervals(theirs.values, theirs.draws), differences: differences(ours!, theirs) }
      : null,
  };
}
