import type { ModelDeclaration } from './model';
import type { TuningSummary } from './tuning';

type Declared = ModelDeclaration['training'];

/** What a declaration may say beside the least: it goes into the specification as it is. */
export const OPTIONS = [
  'imageUri',
  'roleArn',
  'spot',
  'checkpoints',
  'encryption',
  'network',
  'costCentre',
  'tags',
  'retryAttempts',
  'keepAliveSeconds',
  'distribution',
] as const satisfies readonly (keyof Declared)[];

/** Everything a training job is made of. Its hash decides whether an existing job of the same name is ours. */
export interface TrainingSpecification extends Pick<Declared, (typeof OPTIONS)[number]> {
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
  /** Channel name → S3 key prefix (ends with "/") in the platform's bucket, or an s3:// URI. */
  channels: Record<string, string>;
}

/** What instances are bought as. */
export type Market = 'spot' | 'on-demand';

/** What one job took. */
export interface JobCost {
  jobName: string;
  market: Market;
  instanceType: string;
  instanceCount: number;
  /** How it ended, in SageMaker's words: Completed, Failed, Stopped, MaxWaitTimeExceeded … */
  ended: string;
  /** Times that its spot instances were taken away. */
  interruptions: number;
  trainingSeconds: number;
  billableSeconds: number;
  /** Billable seconds × instances × the on-demand price; null where the type has no price in the table. */
  dollars: number | null;
}

/** What a training took, over all the jobs of its step: earlier attempts, and those that a person had tried again. */
export interface TrainingCost {
  /** In the order in which they were started. */
  jobs: JobCost[];
  trainingSeconds: number;
  billableSeconds: number;
  /** (1 − billable ÷ training) × 100, as SageMaker counts it; null where nothing was trained. */
  spotSavingPercent: number | null;
  dollars: number | null;
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
  /** Over all the jobs of the step. */
  trainingSeconds: number;
  billableSeconds: number;
  /** None of a training that began before costs were counted. */
  cost?: TrainingCost;
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
  /** Times that the job's spot instances have been taken away. */
  interruptions: number;
}
