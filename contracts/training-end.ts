import type { CostEstimate } from './cost';
import type { TrainingCost } from './training';

/** How a training ended, for who started it. */
export interface TrainingEnd {
  workflowId: string;
  /** Of the run: the same end is told once. */
  runId: string;
  model: string;
  trigger: string;
  /** Who started it, where that is known: words, or a Slack user ID. */
  by: string;
  reason: string;
  ended: 'completed' | 'failed' | 'aborted' | 'cancelled';
  /** From the start of the run to its end. */
  seconds: number;
  /** What failed, or who aborted and why; null where it went well. */
  problem: string | null;
  /** As far as the run came; null for what it did not reach. */
  version: string | null;
  verdict: string | null;
  metrics: Record<string, number> | null;
  jobName: string | null;
  trainingSeconds: number | null;
  billableSeconds: number | null;
  cost: TrainingCost | null;
  estimate: CostEstimate | null;
  mlflow: { experimentId: string; runId: string } | null;
}
