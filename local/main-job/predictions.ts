import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { createScoringClient } from '../../client/scoring';
import { Key } from '../../contracts/ids';
import type { FeatureRow, ModelDeclaration } from '../../contracts/model';
import type { Prediction, PredictResponse } from '../../contracts/scoring';
import { identifier, withDatabase } from '../../platform/duckdb';
import { defineTable, withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';

const READY_WITHIN_MS = 30_000;
const LOOK_MS = 200;

export type Entity = Record<string, string | number>;

export interface BothWays {
  entity: Entity;
  queue: PredictResponse<number>;
  http: PredictResponse<number>;
}

/** Asks for one entity's prediction through the task queue and over HTTP. */
export async function predictBothWays(
  client: Client,
  scoringUrl: string,
  model: string,
  entity: Entity,
): Promise<BothWays> {
  await untilReady(scoringUrl);
  const queue = await createScoringClient({ client }).predict<number>(model, { entity });
  const http = await predictOverHttp<number>(scoringUrl, model, { entity });
  return { entity, queue, http };
}

export const predictUrl = (scoringUrl: string, model: string): string => `${scoringUrl}/v1/predict/${model}`;

export async function predictOverHttp<Answer extends Prediction>(
  scoringUrl: string,
  model: string,
  asked: { entity: Entity } | { features: FeatureRow },
): Promise<PredictResponse<Answer>> {
  const answer = await fetch(predictUrl(scoringUrl, model), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`POST ${answer.url}: answered ${answer.status} ${body}`);
  return JSON.parse(body) as PredictResponse<Answer>;
}

export async function untilReady(scoringUrl: string): Promise<void> {
  for (const deadline = Date.now() + READY_WITHIN_MS; ; await sleep(LOOK_MS)) {
    const answer = await fetch(`${scoringUrl}/readyz`);
    const body = await answer.text();
    if (answer.ok) return;
    if (Date.now() > deadline) throw new Error(`${answer.url}: still ${answer.status} ${body}`);
  }
}

/** What a model takes, out of the first row (by its key) of the features delivered for that day. */
export async function aFeatureRow(
  store: ObjectStore,
  { name, views, inputs }: ModelDeclaration,
  day: string,
): Promise<FeatureRow> {
  const [view] = views;
  if (!view) throw new Error(`${name} declares no feature view: there are no features to ask for.`);
  const keys = view.entity.joinKeys.map((key) => identifier(key.name)).join(', ');
  const columns = inputs.map((input) => `${identifier(input.feature)} AS ${identifier(input.name)}`);
  return withPartitionCache(store, async (cache) => {
    const objects = await cache.pull(Key.featurePartition(view, day));
    return withDatabase(async (database) => {
      await defineTable(database, 'features', objects);
      return database.row<Record<string, string | number | boolean | null>>(
        `SELECT ${columns.join(', ')} FROM features ORDER BY ${keys} LIMIT 1`,
      );
    });
  });
}

/** One of the entities whose features were computed for that day: the first by its key. */
export async function anEntity(
  store: ObjectStore,
  { name, views }: ModelDeclaration,
  day: string,
): Promise<Entity> {
  const [view] = views;
  if (!view) throw new Error(`${name} declares no feature view: there is no entity to ask for.`);
  const keys = view.entity.joinKeys.map((key) => identifier(key.name)).join(', ');
  return withPartitionCache(store, async (cache) => {
    const objects = await cache.pull(Key.featurePartition(view, day));
    return withDatabase(async (database) => {
      await defineTable(database, 'features', objects);
      return database.row<Entity>(`SELECT ${keys} FROM features ORDER BY ALL LIMIT 1`);
    });
  });
}
