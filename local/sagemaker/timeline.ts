import type { SecondaryStatus } from '@aws-sdk/client-sagemaker';
import { emitStateChange } from './events';
import { writeJson } from './files';
import { readProgress, type JobFolder, type Outcome, type Progress } from './job';

const MESSAGES: Partial<Record<SecondaryStatus, string>> = {
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
};

export interface Ending {
  outcome: Outcome;
  status: Extract<SecondaryStatus, 'Completed' | 'Failed' | 'Stopped' | 'MaxRuntimeExceeded'>;
  failureReason?: string;
  exitCode?: number;
  metrics?: Progress['metrics'];
}

/** The transitions of a job: each on disk before the next thing is done, and told as an event. */
export class Timeline {
  private constructor(
    private readonly folder: JobFolder,
    readonly progress: Progress,
  ) {}

  static async open(folder: JobFolder): Promise<Timeline> {
    return new Timeline(folder, await readProgress(folder));
  }

  get ended(): boolean {
    return this.progress.outcome !== undefined;
  }

  async enter(status: SecondaryStatus): Promise<void> {
    this.push(status);
    if (status === 'Downloading') this.progress.trainingStart ??= Date.now();
    await this.save();
  }

  async end({ outcome, status, ...rest }: Ending): Promise<void> {
    this.push(status);
    const now = Date.now();
    this.progress.transitions.at(-1)!.end = now;
    if (this.progress.trainingStart) this.progress.trainingEnd = now;
    Object.assign(this.progress, rest, { outcome });
    await this.save();
  }

  private push(status: SecondaryStatus): void {
    const now = Date.now();
    const last = this.progress.transitions.at(-1);
    if (last) last.end = now;
    this.progress.transitions.push({ status, start: now, message: MESSAGES[status] ?? status });
  }

  private async save(): Promise<void> {
    await writeJson(this.folder.progress, this.progress);
    await emitStateChange(this.folder);
  }
}
