import type { Metric } from '../../contracts/evaluation';
import { bootstrap, differences, intervals } from './bootstrap';
import type { Resampling } from './bootstrap';
import type { Examined } from './kinds/kind';

export interface Comparison {
  metrics: Record<string, Metric>;
  /** Null without a champion's answers. Differences are candidate − champion. */
  champion: { metrics: Record<string, Metric>; differences: Record<string, Metric> } | null;
}

/** Measures a candidate, and the champion on the same rows, each with intervals from the same resamples. */
export async function compare(
  candidate: Examined,
  champion: Examined | null,
  entities: number,
  resampling: Resampling,
  onResample: (done: number) => Promise<void>,
): Promise<Comparison> {
  const everyEntityOnce = new Uint8Array(entities).fill(1);
  const models = champion ? [candidate, champion] : [candidate];
  const draws = await bootstrap(models, entities, resampling, onResample);
  const [ours, theirs] = models.map((model, index) => ({
    values: model.measure(everyEntityOnce),
    draws: draws[index]!,
  }));
  return {
    metrics: intervals(ours!.values, ours!.draws),
    champion: theirs
      ? { metrics: intervals(theirs.values, theirs.draws), differences: differences(ours!, theirs) }
      : null,
  };
}
