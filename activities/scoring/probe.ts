import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { FeatureRow } from '../../contracts/model';
import type { ProbeResult } from '../../contracts/release';

/** What a model's live variant is probed with. */
export interface ProbeTarget {
  generation: number;
  version: string;
  row: FeatureRow;
  expected: number;
  tolerance: number;
  score: (row: FeatureRow) => Promise<number>;
}

export interface ProbeDependencies {
  workerId: string;
  /** @throws UnknownModel or ModelNotReady. */
  target: (model: string) => ProbeTarget;
}

/** Served on the worker's own probe queue, so that a release can ask each worker by name. */
export function createProbeActivities({ workerId, target }: ProbeDependencies) {
  return {
    /**
     * Scores a golden row on what this worker serves now.
     * @throws UnknownModel, ModelNotReady, or BadArtifact where the answer is not the golden one.
     */
    async probe({ model }: { model: string }): Promise<ProbeResult> {
      const { generation, version, row, expected, tolerance, score } = target(model);
      const prediction = await score(row);
      if (Math.abs(prediction - expected) <= tolerance) return { workerId, generation, version, prediction };
      throw new MeridianError(
        ErrorCode.BadArtifact,
        `${version} on worker ${workerId}: answered ${prediction} for golden row 0, expected ${expected} within ` +
          `${tolerance}. Restart the worker.`,
      );
    },
  };
}
