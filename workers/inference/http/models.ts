import { sendJson } from '../../http/response';
import type { Routes } from '../../http/server';
import { limitsOf } from '../lanes';
import type { ModelPool } from '../model-pool';
import type { ServingModel } from '../serving-model';

/** What this worker serves: versions, inputs, bounds and memory of each model. */
export function createModelRoutes(pool: Pick<ModelPool, 'all'>): Routes {
  return {
    '/v1/models': {
      GET: ({ response }) => sendJson(response, 200, { models: pool.all().map(describe) }),
    },
  };
}

function describe({ name, generation, live, variants }: ServingModel) {
  const { artifact, declaration } = live;
  const memory = variants.map(({ memory }) => memory);
  return {
    name,
    generation: generation.n,
    production: generation.production.version,
    variants: variants.map(({ version, mode, weight }) => ({ version, mode, weight })),
    kind: artifact.kind,
    inputs: artifact.kind === 'metric-anomaly' ? [] : artifact.signature.inputs,
    limits: artifact.kind === 'metric-anomaly' ? null : limitsOf(declaration),
    memory: {
      graphBytes: memory.reduce((sum, { graphBytes }) => sum + graphBytes, 0),
      rssGrowthBytes: memory.reduce((sum, { rssGrowthBytes }) => sum + rssGrowthBytes, 0),
    },
  };
}
