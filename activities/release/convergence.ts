import { Context } from '@temporalio/activity';
import type { Redis } from 'ioredis';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Generation, InferenceWorkerRecord } from '../../contracts/release';
import { readInferenceWorkers } from '../../platform/inference-workers';

const LOOK_EVERY_MS = 250;
/** A worker that says it cannot load a generation gets so long to think better of it. */
const PATIENCE_MS = 30_000;

export function createConvergenceActivities(redis: Redis) {
  return {
    /**
     * Waits until every live inference worker, and at least one, serves that generation or a newer one.
     * @throws MeridianError BadArtifact naming the workers that cannot load it
     */
    async awaitServing({
      generation: { model, n },
    }: {
      generation: Generation;
    }): Promise<{ workers: string[] }> {
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

function cannotLoad(model: string, n: number, stuck: InferenceWorkerRecord[]): MeridianError {
  const reasons = stuck.map(({ id, models }) => `${id}: ${models[model]!.problem}`).join('; ');
  return new MeridianError(
    ErrorCode.BadArtifact,
    `${model} generation ${n} is held: ${stuck.length} inference worker(s) cannot load it (${reasons}). They go on with what they served.`,
  );
}
