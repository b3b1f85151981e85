import { publishDeclaration } from '../../client/declarations';
import { addDays, type Day } from '../../contracts/days';
import type { GateRule, Metric, Verdict } from '../../contracts/evaluation';
import type { ScoreBatchInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import type { FeatureRow } from '../../contracts/model';
import type { TrainingCost } from '../../contracts/training';
import { listPartitionDays } from '../../platform/partitions';
import type { ScoreBatchResult } from '../../workflows/score-batch';
import { defaultHome } from '../stack/commands';
import { createStack } from '../stack/stack';
import { writeFeastRepoOf } from './feast';
import { momentLabel, withGround } from './ground';
import { predictOverHttp, predictUrl, untilReady } from './predictions';
import { evaluationOf, materializeFeatures, trainVersion, type MainJob } from './steps';
import type { Teller } from './teller';
import type { Brought, Trial } from './trial';
import { follow, startOrAdopt } from './workflow-runs';

/** What came of data of one's own. */
export interface TryOutcome {
  model: string;
  version: string;
  verdict: Verdict;
  /** On held-out rows, with 95 % intervals. */
  metrics: Record<string, Metric>;
  rules: GateRule[];
  /** Name of the training job. */
  job: string;
  /** Null where it was not counted. */
  cost: TrainingCost | null;
  /** Whether the version is in Production: false where the gate did not let it pass. */
  served: boolean;
  /** Asks for a prediction; null where the version does not serve, or is not asked online. */
  curl: string | null;
  /** What it answered; null where it was not asked. */
  prediction: unknown;
  /** Of what is scored in batches: what was scored, a run for each stretch of days without a gap. */
  scored: ScoreBatchResult[] | null;
  /** By step. */
  seconds: Record<string, number>;
}

/**
 * Makes a model of somebody's own data on the local platform, which is started where it does not run: declares, imports,
 * publishes, trains, judges, and serves it or scores its days.
 * @throws MeridianError InvalidInput or DataQualityBreach naming what is wrong with the data; RunParked
 */
export async function tryModel(trial: Trial, teller: Teller, now = new Date()): Promise<TryOutcome> {
  const began = Date.now();
  const stack = createStack({ home: defaultHome() });
  return withGround(stack, teller, now, async (ground) => {
    const brought = await teller.step(
      'data',
      trial.title,
      () => trial.bring(ground.store, ground.day),
      ({ done }) => done,
    );
    const { declaration, delivery, asOf } = brought;
    const job: MainJob = { ...ground, declaration, delivery, day: asOf };
    const label = momentLabel(now);
    await publish(job);
    if (delivery !== null) await materializeFeatures(job);
    const { result, generation } = await trainVersion(job, label, 'meridian try');
    const { metrics, gate } = await evaluationOf(job, result.version);
    const served = generation !== null;
    const asked = served && brought.example ? await ask(job, brought.example) : null;
    const scored = served && brought.scoreFrom ? await scoreDays(job, label, brought) : null;
    teller.took('total', (Date.now() - began) / 1000);
    return {
      model: declaration.name,
      version: result.version,
      verdict: result.verdict,
      metrics,
      rules: gate.rules,
      job: result.jobName,
      cost: result.cost ?? null,
      served,
      curl: asked?.curl ?? null,
      prediction: asked?.prediction ?? null,
      scored,
      seconds: teller.seconds,
    };
  });
}

function publish({ store, env, declaration, teller }: MainJob): Promise<unknown> {
  return teller.step(
    'declarations',
    `Publishing ${declaration.name}`,
    async () => {
      const publication = await publishDeclaration(store, declaration);
      await writeFeastRepoOf(store, env);
      return publication;
    },
    ({ hash, change }) => `${hash.slice(0, 12)} ${change}`,
  );
}

/** Asks over HTTP, as the curl line does that a person may paste. */
function ask(
  { env, declaration, teller }: MainJob,
  features: FeatureRow,
): Promise<{ curl: string; prediction: unknown }> {
  const scoring = env['MERIDIAN_SCORING_URL']!;
  const body = JSON.stringify({ features }).replaceAll("'", `'\\''`);
  const curl = `curl -s ${predictUrl(scoring, declaration.name)} -H 'content-type: application/json' -d '${body}'`;
  return teller.step(
    'predictions',
    'Asking for a prediction',
    async () => {
      await untilReady(scoring);
      const { prediction } = await predictOverHttp(scoring, declaration.name, { features });
      return { curl, prediction };
    },
    ({ prediction }) => JSON.stringify(prediction),
  );
}

/** Scores the days that have points, a run for each stretch of them: a day without any would wait for a person. */
async function scoreDays(
  { client, store, declaration, teller, day }: MainJob,
  label: string,
  { scoreFrom }: Brought,
): Promise<ScoreBatchResult[]> {
  const { name: model, series } = declaration;
  const present = await listPartitionDays(store, `raw/${series!.table}/`, { from: scoreFrom, to: day });
  return teller.step(
    'scoring',
    `Scoring ${present.length} days, ${scoreFrom} to ${day}`,
    async () => {
      const results: ScoreBatchResult[] = [];
      for (const { from, to } of stretchesOf(present)) {
        const workflowId = `${WorkflowId.scoreBatch(model, to)}/${label}`;
        const input: ScoreBatchInput = { model, from, date: to };
        await startOrAdopt(client, 'scoreBatch', workflowId, input, `Score ${model}`);
        results.push(await follow<ScoreBatchResult>(client, workflowId));
      }
      return results;
    },
    (results) => results.map(({ anomalous, scored }) => `${anomalous} of ${scored} points`).join(', '),
  );
}

/** Days, oldest first, by stretches without a gap. */
export function stretchesOf(days: readonly Day[]): { from: Day; to: Day }[] {
  const stretches: { from: Day; to: Day }[] = [];
  for (const day of days) {
    const last = stretches.at(-1);
    if (last && addDays(last.to, 1) === day) last.to = day;
    else stretches.push({ from: day, to: day });
  }
  return stretches;
}
