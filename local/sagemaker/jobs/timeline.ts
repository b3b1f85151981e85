import { writeJson } from '../files';
import { emitStateChange } from './events';
import { readProgress, type JobFolder, type JobStatus, type Outcome, type Progress } from './job';
import type { JobKind } from './kind';

const MESSAGES: Partial<Record<JobStatus, string>> = {
  Starting: 'Starting the training job',
  Downloading: 'Downloading input data',
  Training: 'Training image download completed. Training in progress.',
  Interrupted: 'Training job interrupted: the spot instance was reclaimed.',
  Stopping: 'Stopping the training job',
  Uploading: 'Uploading generated training model',
  Completed: 'Training job completed',
  Failed: 'Training job failed',
  Stopped: 'Training job stopped',
  MaxRuntimeExceeded: 'Training job runtime exceeded MaxRuntimeInSeconds provided.',
  MaxWaitTimeExceeded: 'Training job runtime exceeded MaxWaitTimeInSeconds provided.',
};

export const statusMessage = (status: JobStatus): string => MESSAGES[status] ?? status;

export interface Ending extends Pick<Progress, 'failureReason' | 'exitCode' | 'exitMessage' | 'metrics'> {
  outcome: Outcome;
  status: Extract<JobStatus, Outcome | 'MaxRuntimeExceeded' | 'MaxWaitTimeExceeded'>;
}

/** The transitions of a job: each on disk before the next thing is done, and told as an event. */
export class Timeline {
  private constructor(
    private readonly folder: JobFolder,
    private readonly kind: JobKind,
    readonly progress: Progress,
  ) {}

  static async open(folder: JobFolder, kind: JobKind): Promise<Timeline> {
    return new Timeline(folder, kind, await readProgress(folder));
  }

  get ended(): boolean {
    return this.progress.outcome !== undefined;
  }

  async enter(status: JobStatus): Promise<void> {
    const now = Date.now();
    const last = this.progress.transitions.at(-1);
    if (last) last.end = now;
    this.progress.transitions.push({ status, start: now, message: statusMessage(status) });
    if (status === 'Downloading') this.progress.start ??= now;
    await this.save();
  }

  /** Says more of the status that the job is in. */
  async explain(message: string): Promise<void> {
    this.progress.transitions.at(-1)!.message = message;
    await this.save();
  }

  /** Counts an internal error that another start follows. */
  async retry(): Promise<void> {
    this.progress.retries = (this.progress.retries ?? 0) + 1;
    await this.save();
  }

  async end({ outcome, status, ...rest }: Ending): Promise<void> {
    const now = Date.now();
    const last = this.progress.transitions.at(-1);
    if (last) last.end = now;
    this.progress.transitions.push({ status, start: now, end: now, message: statusMessage(status) });
    if (this.progress.start) this.progress.end = now;
    Object.assign(this.progress, rest, { outcome });
    await this.save();
  }

  private async save(): Promise<void> {
    await writeJson(this.folder.progress, this.progress);
    await emitStateChange(this.folder, this.kind);
  }
}

export const failed = (failureReason: string, exitCode?: number): Ending => ({
  outcome: 'Failed',
  status: 'Failed',
  failureReason: failureReason.slice(0, 1024),
  exitCode,
});
