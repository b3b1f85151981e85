import type { CreateTransformJobRequest, DescribeTransformJobRequest } from '@aws-sdk/client-sagemaker';
import { validationError } from '../api/errors';
import type { ListQuery } from '../api/listing';
import type { Operations } from '../api/operations';
import { checkTags } from '../api/tags';
import { volumeKeyProblem } from '../api/volume-key';
import { JobService } from '../jobs/job-service';
import type { Models } from '../models/models';
import type { ServiceOptions } from '../options';
import { requireObjects } from '../storage';
import { TRANSFORM, describeTransform, summarizeTransform, type TransformRequest } from './kind';

const MOST_MB = 100;

type Named = DescribeTransformJobRequest;

/** SageMaker's batch transform API over jobs on this machine. */
export class TransformJobs {
  private constructor(
    private readonly options: ServiceOptions,
    private readonly models: Models,
    readonly jobs: JobService<TransformRequest>,
  ) {}

  static async open(options: ServiceOptions, models: Models): Promise<TransformJobs> {
    return new TransformJobs(options, models, await JobService.open<TransformRequest>(options, TRANSFORM));
  }

  readonly operations: Operations = {
    CreateTransformJob: (request: CreateTransformJobRequest) => this.create(request),
    DescribeTransformJob: async ({ TransformJobName }: Named) =>
      describeTransform(await this.jobs.state(TransformJobName!)),
    StopTransformJob: ({ TransformJobName }: Named) => this.jobs.stop(TransformJobName!),
    ListTransformJobs: async (query: ListQuery) => {
      const { items, NextToken } = await this.jobs.list(query);
      return { TransformJobSummaries: items.map(summarizeTransform), NextToken };
    },
  };

  private async create(request: CreateTransformJobRequest): Promise<object> {
    checkTransformRules(request);
    const name = request.TransformJobName!;
    this.jobs.requireFree(name);
    const { PrimaryContainer, Containers } = (await this.models.find(request.ModelName!)).request;
    const containers = Containers ?? [PrimaryContainer!];
    if (containers.length > 1) {
      throw validationError(
        'The local service serves models of one container; inference pipelines are not supported.',
      );
    }
    await requireObjects(request.TransformInput!.DataSource!.S3DataSource!.S3Uri!, this.options.storage);
    await this.jobs.write(name, { ...request, container: containers[0]! });
    this.jobs.start(name);
    return { TransformJobArn: this.jobs.arn(name) };
  }
}

/** @throws ApiError for the first rule that the request breaks; SageMaker's own first, then the local service's */
function checkTransformRules(request: CreateTransformJobRequest): void {
  checkTags(request.Tags);
  const { TransformInput: input, MaxPayloadInMB, MaxConcurrentTransforms, BatchStrategy } = request;
  const keyProblem = volumeKeyProblem(request.TransformResources!);
  if (keyProblem) throw keyProblem;
  const split = input!.SplitType ?? 'None';
  if ((MaxPayloadInMB ?? 0) > MOST_MB || (MaxPayloadInMB ?? 6) * (MaxConcurrentTransforms ?? 1) > MOST_MB) {
    throw validationError(
      `MaxPayloadInMB, and MaxPayloadInMB times MaxConcurrentTransforms, must not exceed ${MOST_MB}.`,
    );
  }
  if (BatchStrategy === 'MultiRecord' && split === 'None') {
    throw validationError('BatchStrategy MultiRecord needs a SplitType other than None.');
  }
  const source = input!.DataSource!.S3DataSource;
  if (source?.S3DataType !== 'S3Prefix' || !source.S3Uri!.startsWith('s3://')) {
    throw validationError(
      'The local service reads S3DataSource with S3DataType S3Prefix and an s3:// URI only.',
    );
  }
  if (!['None', 'Line'].includes(split) || (input!.CompressionType ?? 'None') !== 'None') {
    throw validationError('The local service splits by Line or not at all, and does not decompress.');
  }
  if (request.DataProcessing || request.DataCaptureConfig) {
    throw validationError('The local service has neither DataProcessing nor DataCaptureConfig.');
  }
}
