import type { JobState } from './job';

/** What sets one kind of job apart from the others, so that storing, supervising and telling can be the same for all. */
export interface JobKind {
  /** As in the ARN: `arn:aws:sagemaker:…:<resource>/<name>`. */
  resource: string;
  /** As errors call it: "training job". */
  words: string;
  /** Folder of all jobs of the kind, below the service's home. */
  folder: string;
  /** EventBridge's `detail-type` of a change of state. */
  event: string;
  /** What is said of a name that no job has. */
  unknown(name: string): string;
  /** The answer of Describe…Job; times in epoch seconds. */
  describe(state: JobState): Record<string, unknown>;
  /** How often a job is started again after an internal error. */
  maximumRetries(state: Pick<JobState, 'record'>): number;
}
