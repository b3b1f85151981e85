import { mkdir } from 'node:fs/promises';
import type { Operations } from './api/operations';
import { tagOperations } from './api/tags';
import type { ServiceOptions } from './options';
import { ProcessingJobs } from './processing/processing-jobs';
import { TrainingJobs } from './training/training-jobs';
import { TUNING_RESOURCE, TuningJobs } from './tuning/tuning-jobs';

/** How often jobs are checked for a supervisor that has died. */
const SETTLE_EVERY_MS = 1000;

/** SageMaker over jobs on this machine. */
export class SagemakerService {
  private readonly timer: NodeJS.Timeout;
  readonly operations: Operations;

  private constructor(
    readonly options: ServiceOptions,
    readonly training: TrainingJobs,
    private readonly tuning: TuningJobs,
    processing: ProcessingJobs,
  ) {
    this.operations = {
      ...training.operations,
      ...tuning.operations,
      ...processing.operations,
      ...tagOperations({
        'training-job': training.store,
        [TUNING_RESOURCE]: tuning.store,
        'processing-job': processing.jobs.store,
      }),
    };
    this.timer = setInterval(() => {
      Promise.all([training.settle(), processing.jobs.settle()]).catch((error: unknown) =>
        options.log.error({ error }, 'jobs could not be checked'),
      );
    }, SETTLE_EVERY_MS);
  }

  static async open(options: ServiceOptions): Promise<SagemakerService> {
    await mkdir(options.home, { recursive: true });
    const training = await TrainingJobs.open(options);
    return new SagemakerService(
      options,
      training,
      await TuningJobs.open(options, training),
      await ProcessingJobs.open(options),
    );
  }

  /** Ends the service; its jobs go on. */
  close(): void {
    clearInterval(this.timer);
    this.tuning.close();
  }
}
