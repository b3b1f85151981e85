import { Context } from '@temporalio/activity';
import type { Redis } from 'ioredis';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Generation, InferenceWorkerRecord, ServedVersion } from '../../contracts/release';
import type { ArtifactManifest } from '../../contracts/model';
import { readInferenceWorkers } from '../../platform/inference-workers';
import { tellOfRelease } from '../../platform/release-news';
import type { ObjectStore } from '../../platform/s3';
import { readDeclaration } from '../registry/declarations';

const LOOK_EVERY_MS = 250;
/** A worker that says it cannot load a generation gets so long to think better of it. */
const PATIENCE_MS = 30_000;

export function createConvergenceActivities(redis: Redis, store: ObjectStore) {
  return {
    /**
     * Waits until every live inference worker, and at least one, serves that generation or a newer one. What is scored in
     * batches serves as soon as it is pointed to: `scoreBatch` asks the pointer, and no worker has it loaded.
     * @throws MeridianError BadArtifact naming the workers that cannot load it
     */
    async awaitServing({
      generation: { model, n, production },
    }: {
      generation: Generation;
    }): Promise<{ workers: string[] }> {
      if (await isScoredInBatches(store, model, production)) return { workers: [] };
      await tellOfRelease(redis, model);
      const begun = Date.now();
      for (;;) {
        const workers = await readInferenceWorkers(redis);
        const behind = workers.filter((worker) => (worker.models[model]?.generation ?? 0) < n);
        if (workers.length > 0 && behind.length === 0) return { workers: workers.map(({ id }) => id) };
        const stuck = behind.filter((worker) => worker.models[model]?.problem);
        if (stuck.length > 0 && Date.now() - begun > PATIENCE_MS) throw cannotLoad(model, n, stuck);
        Context.current().heartbeat({
          phase: 'waiting',
          live: workers.length,
          behind: behind.map(({ id }) => id),
        });
        await Context.current().sleep(LOOK_EVERY_MS);
      }
    },
  };
}

async function isScoredInBatches(
  store: ObjectStore,
  model: string,
  { artifactKey }: ServedVersion,
): Promise<boolean> {
  const { provenance } = await store.getJson<ArtifactManifest>(artifactKey);
  const { serving } = await readDeclaration(store, model, provenance.declarationHash);
  return serving.mode === 'batch';
}

function cannotLoad(model: string, n: number, stuck: InferenceWorkerRecord[]): MeridianError {
  const reasons = stuck.map(({ id, models }) => `${id}: ${models[model]!.problem}`).join('; ');
  return new MeridianError(
    ErrorCode.BadArtifact,
    `${model} generation ${n} is held: ${stuck.length} inference worker(s) cannot load it (${reasons}). They go on with what they served.`,
  );
}
