import type { ModelDeclaration } from './model';
import type { TuningSummary } from './tuning';

/** Everything a training job is made of. Its hash decides whether an existing job of the same name is ours. */
export interface TrainingSpecification {
  model: string;
  image: ModelDeclaration['training']['image'];
  instanceType: string;
  instanceCount: number;
  volumeGb: number;
  maxRuntimeSeconds: number;
  /** Script mode: program inside the code archive. */
  program: string;
  codeKey: string;
  codeHash: string;
  hyperparameters: Record<string, string | number | boolean>;
  metrics: { name: string; regex: string }[];
  /** Channel name → S3 key prefix (ends with "/"). */
  channels: Record<string, string>;
}

export interface TrainingJobHandle {
  jobName: string;
  /** True where the job existed already and was adopted. */
  adopted: boolean;
}

export interface TrainingOutcome {
  jobName: string;
  /** S3 key of model.tar.gz. */
  artifactKey: string;
  trainingSeconds: number;
  billableSeconds: number;
  /** Last value of each declared metric. */
  metrics: Record<string, number>;
  /** Where the model is the best of a search; the seconds are then those of all its trials. */
  tuning?: TuningSummary;
  /** ISO 8601: creation, start of training, end. */
  createdAt: string;
  startedAt: string;
  endedAt: string;
}

/** Heartbeat details of the poll: where the job is, as the Temporal UI shows it. */
export interface TrainingHeartbeat {
  phase: 'starting' | 'training' | 'uploading' | 'stopping';
  jobName: string;
  seconds: number;
  lastLogLine: string;
}
