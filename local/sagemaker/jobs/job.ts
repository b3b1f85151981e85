import { join } from 'node:path';
import type { SecondaryStatus, Tag } from '@aws-sdk/client-sagemaker';
import { readJson } from '../files';

/** What every request that makes a job has. */
export interface JobRequest {
  Tags?: Tag[] | undefined;
}

/** A job as it was asked for; immutable once written. */
export interface JobRecord<Request extends JobRequest = JobRequest> {
  name: string;
  arn: string;
  region: string;
  /** Epoch milliseconds. */
  creationTime: number;
  request: Request;
  /** The tuning job that started it. */
  tuningJobArn?: string;
}

/** Where a job is: SageMaker's secondary statuses of training, and what the other kinds show to nobody. */
export type JobStatus = SecondaryStatus | 'Processing' | 'Transforming';

/** Times in epoch milliseconds. */
export interface Transition {
  status: JobStatus;
  start: number;
  end?: number;
  message: string;
}

export type Outcome = 'Completed' | 'Failed' | 'Stopped';

export interface FinalMetric {
  name: string;
  value: number;
  /** Epoch milliseconds. */
  time: number;
}

/** How far a job is. Written by its supervisor alone, or by the service once that is dead. */
export interface Progress {
  transitions: Transition[];
  /** When the first instance began to work, and when the last ended. */
  start?: number;
  end?: number;
  /** Set once, when the job has ended. */
  outcome?: Outcome;
  failureReason?: string;
  exitCode?: number;
  /** What a processing container left to say. */
  exitMessage?: string;
  metrics?: FinalMetric[];
  /** How often an internal error has been followed by another start. */
  retries?: number;
}

/** Everything the disk knows of a job at one moment. */
export interface JobState<Request extends JobRequest = JobRequest> {
  record: JobRecord<Request>;
  progress: Progress;
  stopRequested: number | null;
}

/** Where the parts of a job lie on disk. */
export interface JobFolder {
  path: string;
  record: string;
  tags: string;
  /** Who supervises the job. */
  supervisor: string;
  /** The programs of its containers that were started last. */
  programs: string;
  progress: string;
  stop: string;
  interruptions: string;
  breakdowns: string;
  /** One file a log stream. */
  logs: string;
  supervisorLog: string;
  /** One folder a host: its `/opt/ml`. */
  containers: string;
}

export const jobFolder = (path: string): JobFolder => ({
  path,
  record: join(path, 'job.json'),
  tags: join(path, 'tags.json'),
  supervisor: join(path, 'supervisor.json'),
  programs: join(path, 'programs.json'),
  progress: join(path, 'progress.json'),
  stop: join(path, 'stop.json'),
  interruptions: join(path, 'interruptions.json'),
  breakdowns: join(path, 'breakdowns.json'),
  logs: join(path, 'logs'),
  supervisorLog: join(path, 'supervisor.log'),
  containers: join(path, 'containers'),
});

export async function readState(folder: JobFolder): Promise<JobState> {
  const record = await readJson<JobRecord>(folder.record);
  if (!record) throw new Error(`${folder.path}: expected a job, found no ${folder.record}.`);
  const stop = await readJson<{ requestedAt: number }>(folder.stop);
  return { record, progress: await readProgress(folder), stopRequested: stop?.requestedAt ?? null };
}

export const readProgress = async (folder: JobFolder): Promise<Progress> =>
  (await readJson<Progress>(folder.progress)) ?? { transitions: [] };

/** The tags of a job; those of its creation until others were added or taken away. */
export const readTags = async (folder: JobFolder): Promise<Tag[]> =>
  (await readJson<Tag[]>(folder.tags)) ?? (await readJson<JobRecord>(folder.record))?.request.Tags ?? [];

/** Epoch milliseconds. */
export function lastModified({ record, progress, stopRequested }: JobState): number {
  const last = progress.transitions.at(-1);
  return Math.max(record.creationTime, stopRequested ?? 0, last?.start ?? 0, last?.end ?? 0);
}

/** The status that all kinds of jobs have. */
export function jobStatus({ progress, stopRequested }: JobState): Outcome | 'InProgress' | 'Stopping' {
  if (progress.outcome) return progress.outcome;
  const stopping = stopRequested !== null || progress.transitions.some((t) => t.status === 'Stopping');
  return stopping ? 'Stopping' : 'InProgress';
}
