import type { ProbeDependencies } from '../../activities/scoring/probe';
import type { ModelPool } from './model-pool';

/** The live variant of a model, asked for its first golden row. */
export function createProbeTarget(pool: Pick<ModelPool, 'get'>): ProbeDependencies['target'] {
  return (model) => {
    const { generation, live } = pool.get(model);
    return {
      generation: generation.n,
      version: live.version,
      answerGolden: () => live.artifact.answerGolden(0),
    };
  };
}
