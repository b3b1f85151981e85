import type { Config } from '../../platform/config';
import type { Generation, InferenceWorkerRecord } from '../../contracts/release';
import { readInferenceWorkers } from '../../platform/inference-workers';
import type { Redis } from '../../platform/redis';
import { readCurrentGeneration } from '../../platform/releases';
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
    readInferenceWorkers(redis),
  ]);
  const names = [...new Set([...declared, ...released])].sort();
  const models = await Promise.all(
    names.map(async (name) => ({ name, generation: await readCurrentGeneration(store, name) })),
  );
  return { models, workers, links: linksOf(config) };
}

function linksOf({ links, mlflowUrl }: Config): Overview['links'] {
  return [
    { name: 'Temporal', url: links.temporalUi },
    { name: 'MLflow', url: mlflowUrl },
    { name: 'Scoring', url: links.scoring },
  ].flatMap(({ name, url }) => (url ? [{ name, url }] : []));
}
