import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ProbeResult } from '../../contracts/release';

/** What a model's live variant is probed with. */
export interface ProbeTarget {
  generation: number;
  version: string;
  /** What it answers to a golden row, and what is wrong with that, if anything. */
  answerGolden: () => Promise<{
    prediction: ProbeResult['prediction'];
    problem: { found: string; expected: string } | null;
  }>;
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
      const { generation, version, answerGolden } = target(model);
      const { prediction, problem } = await answerGolden();
      if (!problem) return { workerId, generation, version, prediction };
      throw new MeridianError(
        ErrorCode.BadArtifact,
        `${version} on worker ${workerId}: answered ${problem.found}, expected ${problem.expected}. Restart the worker.`,
      );
    },
  };
}
