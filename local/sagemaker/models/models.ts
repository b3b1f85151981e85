import type { CreateModelInput, DescribeModelInput } from '@aws-sdk/client-sagemaker';
import { validationError } from '../api/errors';
import { takePage, type ListQuery } from '../api/listing';
import { arnOf, type Operations } from '../api/operations';
import { checkTags } from '../api/tags';
import type { ServiceOptions } from '../options';
import { seconds } from '../seconds';
import { ModelStore, type ModelRecord } from './model-store';

const RESOURCE = 'model';
const MOST_CONTAINERS = 15;

/** SageMaker's models: what a transform job serves. */
export class Models {
  private constructor(
    private readonly options: ServiceOptions,
    readonly store: ModelStore,
  ) {}

  static async open(options: ServiceOptions): Promise<Models> {
    return new Models(options, await ModelStore.open(options.home));
  }

  readonly operations: Operations = {
    CreateModel: (request: CreateModelInput) => this.create(request),
    DescribeModel: async ({ ModelName }: DescribeModelInput) => describe(await this.find(ModelName!)),
    DeleteModel: async ({ ModelName }: DescribeModelInput) => {
      await this.find(ModelName!);
      await this.store.delete(ModelName!);
      return {};
    },
    ListModels: async (query: ListQuery) => {
      const listed = ({ name, creationTime }: ModelRecord) => ({
        name,
        status: '',
        creationTime,
        lastModified: creationTime,
      });
      const { items, NextToken } = takePage(await this.store.all(), query, {
        listed,
        fromCreationTime: true,
      });
      return { Models: items.map(summarize), NextToken };
    },
  };

  /** @throws ApiError where there is no such model */
  async find(name: string): Promise<ModelRecord> {
    if (!this.store.has(name)) throw validationError(`Could not find model "${this.arn(name)}".`);
    return this.store.get(name);
  }

  private async create(request: CreateModelInput): Promise<object> {
    checkTags(request.Tags);
    const { ModelName: name, PrimaryContainer, Containers } = request;
    if (!PrimaryContainer === !Containers) {
      throw validationError('You must provide either PrimaryContainer or Containers, but not both.');
    }
    const containers = Containers ?? [PrimaryContainer!];
    if (containers.length === 0 || containers.length > MOST_CONTAINERS) {
      throw validationError(`A model has 1 to ${MOST_CONTAINERS} containers, found ${containers.length}.`);
    }
    for (const { Image, ModelDataUrl, ModelDataSource } of containers) {
      if (ModelDataSource) {
        throw validationError(
          'The local service reads models from ModelDataUrl; ModelDataSource is not supported.',
        );
      }
      if (!Image) throw validationError('The local service runs images; each container must have an Image.');
      if (ModelDataUrl) await this.requireData(ModelDataUrl);
    }
    const arn = this.arn(name!);
    const taken = validationError(`Cannot create already existing model "${arn}".`);
    if (this.store.has(name!)) throw taken;
    if (!(await this.store.create({ name: name!, arn, creationTime: Date.now(), request }))) throw taken;
    return { ModelArn: arn };
  }

  private async requireData(url: string): Promise<void> {
    const { store, key } = this.options.storage(url);
    if (!(await store.head(key))) throw validationError(`Could not find model data at ${url}.`);
  }

  private arn(name: string): string {
    return arnOf(this.options, RESOURCE, name);
  }
}

function describe({ arn, creationTime, request }: ModelRecord): Record<string, unknown> {
  const { Tags: _tags, ...asked } = request;
  return {
    ...asked,
    ModelArn: arn,
    CreationTime: seconds(creationTime),
    EnableNetworkIsolation: request.EnableNetworkIsolation ?? false,
  };
}

const summarize = ({ name, arn, creationTime }: ModelRecord): Record<string, unknown> => ({
  ModelName: name,
  ModelArn: arn,
  CreationTime: seconds(creationTime),
});
