import type { ProbeDependencies } from '../../activities/scoring/probe';
import type { ModelPool } from './model-pool';

/** The live variant of a model, with its first golden row. */
export function createProbeTarget(pool: Pick<ModelPool, 'get'>): ProbeDependencies['target'] {
  return (model) => {
    const { generation, live } = pool.get(model);
    const { encoder } = live.artifact;
    const { features, expected } = live.artifact.golden.rows[0]!;
    return {
      generation: generation.n,
      version: live.version,
      row: features,
      expected,
      tolerance: live.artifact.golden.tolerance,
      async score(row) {
        const encoded = new Float32Array(encoder.width);
        encoder.encode(row, encoded, 0);
        return (await live.artifact.score(encoded, 1))[0]!;
      },
    };
  };
}
