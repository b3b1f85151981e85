import { mkdir } from 'node:fs/promises';
import type { Operations } from './api/operations';
import { tagOperations } from './api/tags';
import type { ServiceOptions } from './options';
import { LogGroups } from './logs/log-groups';
import { Models } from './models/models';
import { ProcessingJobs } from './processing/processing-jobs';
import { TrainingJobs } from './training/training-jobs';
import { TransformJobs } from './transform/transform-jobs';
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
    transform: TransformJobs,
    models: Models,
  ) {
    this.operations = {
      ...training.operations,
      ...tuning.operations,
      ...processing.operations,
      ...transform.operations,
      ...models.operations,
      ...new LogGroups(options, {
        '/aws/sagemaker/TrainingJobs': training.store,
        '/aws/sagemaker/ProcessingJobs': processing.jobs.store,
        '/aws/sagemaker/TransformJobs': transform.jobs.store,
      }).operations,
      ...tagOperations(options, {
        'training-job': training.store,
        [TUNING_RESOURCE]: tuning.store,
        'processing-job': processing.jobs.store,
        'transform-job': transform.jobs.store,
        model: models.store,
      }),
    };
    this.timer = setInterval(() => {
      Promise.all([training, processing.jobs, transform.jobs].map((jobs) => jobs.settle())).catch(
        (error: unknown) => options.log.error({ error }, 'jobs could not be checked'),
      );
    }, SETTLE_EVERY_MS);
  }

  static async open(options: ServiceOptions): Promise<SagemakerService> {
    await mkdir(options.home, { recursive: true });
    const training = await TrainingJobs.open(options);
    const models = await Models.open(options);
    return new SagemakerService(
      options,
      training,
      await TuningJobs.open(options, training),
      await ProcessingJobs.open(options),
      await TransformJobs.open(options, models),
      models,
    );
  }

  /** Ends the service; its jobs go on. */
  close(): void {
    clearInterval(this.timer);
    this.tuning.close();
  }
}
