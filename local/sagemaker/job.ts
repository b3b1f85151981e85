import { join } from 'node:path';
import type {
  CreateTrainingJobRequest,
  SecondaryStatus,
  Tag,
  TrainingJobStatus,
} from '@aws-sdk/client-sagemaker';
import { readJson } from './files';

/** A job as it was asked for; immutable once written. */
export interface JobRecord {
  name: string;
  arn: string;
  region: string;
  /** Epoch milliseconds. */
  creationTime: number;
  request: CreateTrainingJobRequest;
}

/** Times in epoch milliseconds. */
export interface Transition {
  status: SecondaryStatus;
  start: number;
  end?: number;
  message: string;
}

export type Outcome = Extract<TrainingJobStatus, 'Completed' | 'Failed' | 'Stopped'>;

/** How far a job is. Written by its supervisor alone, or by the service once that is dead. */
export interface Progress {
  transitions: Transition[];
  trainingStart?: number;
  trainingEnd?: number;
  /** Set once, when the job has ended. */
  outcome?: Outcome;
  failureReason?: string;
  exitCode?: number;
  metrics?: { name: string; value: number; time: number }[];
}

/** Everything the disk knows of a job at one moment. */
export interface JobState {
  record: JobRecord;
  progress: Progress;
  stopRequested: number | null;
}

/** Where the parts of a job lie on disk. */
export interface JobFolder {
  path: string;
  record: string;
  tags: string;
  /** Who supervises the job: there is one, and it never changes. */
  supervisor: string;
  program: string;
  progress: string;
  stop: string;
  interruptions: string;
  /** What stdout and stderr of the program said. */
  log: string;
  supervisorLog: string;
  /** The job's `/opt/ml`. */
  base: string;
}

export const jobFolder = (path: string): JobFolder => ({
  path,
  record: join(path, 'job.json'),
  tags: join(path, 'tags.json'),
  supervisor: join(path, 'supervisor.json'),
  program: join(path, 'program.json'),
  progress: join(path, 'progress.json'),
  stop: join(path, 'stop.json'),
  interruptions: join(path, 'interruptions.json'),
  log: join(path, 'output.log'),
  supervisorLog: join(path, 'supervisor.log'),
  base: join(path, 'ml'),
});

export async function readState(folder: JobFolder): Promise<JobState> {
  const record = await readJson<JobRecord>(folder.record);
  if (!record) throw new Error(`${folder.path}: expected a job, found no ${folder.record}.`);
  const stop = await readJson<{ requestedAt: number }>(folder.stop);
  return { record, progress: await readProgress(folder), stopRequested: stop?.requestedAt ?? null };
}

export const readProgress = async (folder: JobFolder): Promise<Progress> =>
  (await readJson<Progress>(folder.progress)) ?? { transitions: [] };

/** The tags of a job; those of its creation until others were added. */
export const readTags = async (folder: JobFolder): Promise<Tag[]> =>
  (await readJson<Tag[]>(folder.tags)) ?? (await readJson<JobRecord>(folder.record))?.request.Tags ?? [];
