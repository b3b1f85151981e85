import type { CreateProcessingJobRequest, DescribeProcessingJobRequest } from '@aws-sdk/client-sagemaker';
import type { ListQuery } from '../api/listing';
import type { Operations } from '../api/operations';
import { JobService } from '../jobs/job-service';
import type { ServiceOptions } from '../options';
import { requireObjects } from '../storage';
import { PROCESSING, describeProcessing, summarizeProcessing } from './kind';
import { checkProcessingRules } from './rules';

type Named = DescribeProcessingJobRequest;

/** SageMaker's processing API over jobs on this machine. */
export class ProcessingJobs {
  private constructor(
    private readonly options: ServiceOptions,
    readonly jobs: JobService<CreateProcessingJobRequest>,
  ) {}

  static async open(options: ServiceOptions): Promise<ProcessingJobs> {
    return new ProcessingJobs(
      options,
      await JobService.open<CreateProcessingJobRequest>(options, PROCESSING),
    );
  }

  readonly operations: Operations = {
    CreateProcessingJob: (request: CreateProcessingJobRequest) => this.create(request),
    DescribeProcessingJob: async ({ ProcessingJobName }: Named) =>
      describeProcessing(await this.jobs.state(ProcessingJobName!)),
    StopProcessingJob: ({ ProcessingJobName }: Named) => this.jobs.stop(ProcessingJobName!),
    DeleteProcessingJob: ({ ProcessingJobName }: Named) => this.jobs.delete(ProcessingJobName!),
    ListProcessingJobs: async (query: ListQuery) => {
      const { items, NextToken } = await this.jobs.list(query);
      return { ProcessingJobSummaries: items.map(summarizeProcessing), NextToken };
    },
  };

  private async create(request: CreateProcessingJobRequest): Promise<object> {
    checkProcessingRules(request);
    const name = request.ProcessingJobName!;
    this.jobs.requireFree(name);
    for (const { S3Input } of request.ProcessingInputs ?? []) {
      await requireObjects(S3Input!.S3Uri!, this.options.storage);
    }
    await this.jobs.write(name, request);
    this.jobs.start(name);
    return { ProcessingJobArn: this.jobs.arn(name) };
  }
}
