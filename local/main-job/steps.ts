import type { Client } from '@temporalio/client';
import { publishDeclaration } from '../../client/declarations';
import { publishLimits } from '../../client/limits';
import { publishFeatureView } from '../../client/feature-views';
import type { Evaluation } from '../../contracts/evaluation';
import type { MaterializeFeaturesInput, RetrainModelInput } from '../../contracts/generated/types';
import type { Day } from '../../contracts/days';
import { Key, WorkflowId } from '../../contracts/ids';
import type { ModelDeclaration } from '../../contracts/model';
import type { Generation } from '../../contracts/release';
import { featureViews } from '../../features';
import { models } from '../../models';
import { readCurrentGeneration } from '../../platform/releases';
import type { ObjectStore } from '../../platform/s3';
import { applySchedules } from '../../schedules';
import type { MaterializeResult } from '../../workflows/materialize-features';
import type { RetrainResult } from '../../workflows/retrain-model';
import type { RollOutResult } from '../../workflows/roll-out-model';
import type { Stack } from '../stack/stack';
import { writeFeastRepoOf } from './feast';
import { anEntity, predictBothWays, type BothWays } from './predictions';
import type { LaidDown, Subject } from './subject';
import type { Teller } from './teller';
import { follow, startOrAdopt, type StepListener } from './workflow-runs';

/** What the steps work with. */
export interface Ground {
  client: Client;
  store: ObjectStore;
  /** Where everything is. */
  env: Record<string, string>;
  teller: Teller;
  /** The newest day whose data is used. */
  day: Day;
  /** The Pacific date of this start, which names its runs. */
  date: Day;
}

/** The main job of one model. */
export type MainJob = Ground & Omit<LaidDown, 'done'>;

/** Starts every part of the platform, or finds that it runs. */
export async function startPlatform(stack: Stack, teller: Teller): Promise<void> {
  await teller.step(
    'platform',
    'Starting the platform',
    () => stack.up(undefined, (part, state) => state === 'serving' && teller.say(`    ${part} serves`)),
    () => `every part serves; logs in ${stack.home}/logs`,
  );
}

export function applyTheSchedules({ client, teller }: Ground): Promise<unknown> {
  return teller.step(
    'schedules',
    'Applying the schedules',
    () => applySchedules(client),
    (changes) =>
      changes.map(({ id, change }) => `${id} ${change === 'none' ? 'as it was' : `${change}d`}`).join(', '),
  );
}

/** Publishes what views and models there are, as workers and workflows read them, and as Feast does. */
export function publishDeclarations({ store, env, declaration, teller }: MainJob): Promise<unknown> {
  const declared = new Map([...models, declaration].map((model) => [model.name, model]));
  const publish = async (declarations: Iterable<ModelDeclaration>): Promise<string[]> => {
    const published: string[] = [];
    for (const view of featureViews) await publishFeatureView(store, view);
    for (const declaration of declarations) {
      const { model, hash, change } = await publishDeclaration(store, declaration);
      published.push(`${model} ${hash.slice(0, 12)} ${change}`);
    }
    await publishLimits(store);
    await writeFeastRepoOf(store, env);
    return published;
  };
  return teller.step(
    'declarations',
    'Publishing the models',
    () => publish(declared.values()),
    (all) => all.join(', '),
  );
}

export function layDownData({ store, teller }: Ground, subject: Subject): Promise<LaidDown> {
  return teller.step(
    'data',
    subject.title,
    () => subject.layDown(store),
    ({ done }) => done,
  );
}

/** Computes the day's features and loads them online; what was loaded is not loaded again. */
export function materializeFeatures({
  client,
  day,
  date,
  declaration,
  delivery,
  teller,
}: MainJob): Promise<unknown> {
  const input: MaterializeFeaturesInput = { date: day, models: [declaration.name] };
  return teller.step(
    'features',
    'Computing features and loading them online',
    async () => {
      const about = delivery === null ? declaration.name : `${declaration.name}/${delivery.slice(0, 12)}`;
      const id = `${WorkflowId.materializeFeatures(date)}/${about}`;
      const started = await startOrAdopt(client, 'materializeFeatures', id, input, `Features of ${day}`);
      return follow<MaterializeResult>(client, started);
    },
    ({ views }) => views.map(({ view, entities }) => `${view} of ${entities}`).join(', '),
  );
}

/** What serves now; null where no version was ever released. */
export function production({ store, declaration }: MainJob): Promise<Generation | null> {
  return readCurrentGeneration(store, declaration.name);
}

/**
 * Trains a version and takes it to Production. A run of that label that is under way already is followed to its end.
 * @throws Error where the gate does not let the version pass
 */
export async function retrain(job: MainJob, label: string): Promise<void> {
  const { result, generation } = await trainVersion(job, label, 'npm start');
  if (generation === null)
    throw new Error(`${result.version}: verdict ${result.verdict}, so it stays in Staging.`);
}

/** A version as it came out of its training, and the generation in which it serves; null where it does not. */
export interface TrainedVersion {
  result: RetrainResult;
  generation: number | null;
}

/** Trains a version, and takes it to Production where the gate lets it pass. */
export function trainVersion(
  { client, day, declaration, teller }: MainJob,
  label: string,
  reason: string,
): Promise<TrainedVersion> {
  const model = declaration.name;
  const input: RetrainModelInput = {
    model,
    label,
    asOf: day,
    reason,
    // Nobody but the main job asks this platform yet, so that there is no traffic to watch a candidate on.
    rollOutSteps: [],
  };
  const workflowId = WorkflowId.retrain(model, label);
  return teller.step(
    'retraining',
    `Retraining ${model} (${workflowId})`,
    async () => {
      await startOrAdopt(client, 'retrainModel', workflowId, input, `Retrain ${model}`);
      const result = await follow<RetrainResult>(client, workflowId, tellSteps(teller));
      if (!result.rollOut) return { result, generation: null };
      teller.say(`    ${result.rollOut}`);
      const { generation } = await follow<RollOutResult>(client, result.rollOut);
      return { result, generation };
    },
    ({ result: { version, verdict }, generation }) =>
      `${version}, verdict ${verdict}, ${generation === null ? 'stays in Staging' : `serves as generation ${generation}`}`,
  );
}

const tellSteps = (teller: Teller): StepListener => ({
  entered: (step) => teller.say(`    ${step}`),
  left: (step, seconds) => teller.took(`retraining/${step}`, seconds),
});

export function evaluationOf({ store, declaration }: MainJob, version: string): Promise<Evaluation> {
  return store.getJson<Evaluation>(`${Key.version(declaration.name, version)}evaluation.json`);
}

/** Asks for one customer's prediction both ways. */
export function predict({ client, store, env, day, declaration, teller }: MainJob): Promise<BothWays> {
  return teller.step(
    'predictions',
    'Asking for predictions',
    async () =>
      predictBothWays(
        client,
        env['MERIDIAN_SCORING_URL']!,
        declaration.name,
        await anEntity(store, declaration, day),
      ),
    ({ entity, queue, http }) =>
      [
        JSON.stringify(entity),
        ...Object.entries({ 'task queue': queue, HTTP: http }).map(
          ([way, { prediction, model_version, latency_ms }]) =>
            `\n    ${way.padEnd(10)}  ${prediction.toFixed(6)}  ${model_version}  ${latency_ms.toFixed(2)} ms`,
        ),
        '\n ',
      ].join(''),
  );
}
