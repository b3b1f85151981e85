import type { Config } from '../../platform/config';
import {
  inferenceWorkerKey,
  type Generation,
  type InferenceWorkerRecord,
  type ReleasePointer,
} from '../../contracts/release';
import { Key } from '../../contracts/ids';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';

/** What the status page shows: every model, what serves it, and who serves it. */
export interface Overview {
  models: { name: string; generation: Generation | null }[];
  workers: InferenceWorkerRecord[];
  links: { name: string; url: string }[];
}

export async function readOverview(store: ObjectStore, redis: Redis, config: Config): Promise<Overview> {
  const [declared, released, workers] = await Promise.all([
    store.listFolders('declarations/'),
    store.listFolders('serving/'),
    readWorkers(redis),
  ]);
  const names = [...new Set([...declared, ...released])].sort();
  const models = await Promise.all(
    names.map(async (name) => ({ name, generation: await readGeneration(store, name) })),
  );
  return { models, workers, links: linksOf(config) };
}

async function readGeneration(store: ObjectStore, model: string): Promise<Generation | null> {
  const pointer = await store.find(Key.releasePointer(model));
  if (!pointer) return null;
  return store.getJson<Generation>((JSON.parse(pointer.body.toString('utf8')) as ReleasePointer).key);
}

async function readWorkers(redis: Redis): Promise<InferenceWorkerRecord[]> {
  const keys: string[] = [];
  for await (const found of redis.scanStream({ match: inferenceWorkerKey('*'), count: 1000 }))
    keys.push(...(found as string[]));
  if (keys.length === 0) return [];
  const values = await redis.mget(...new Set(keys));
  return values
    .filter((value) => value !== null)
    .map((value) => JSON.parse(value) as InferenceWorkerRecord)
    .sort((a, b) => a.id.localeCompare(b.id));
}

function linksOf({ links, mlflowUrl }: Config): Overview['links'] {
  return [
    { name: 'Temporal', url: links.temporalUi },
    { name: 'MLflow', url: mlflowUrl },
    { name: 'Scoring', url: links.scoring },
  ].flatMap(({ name, url }) => (url ? [{ name, url }] : []));
}
