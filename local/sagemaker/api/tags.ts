import type { AddTagsInput, DeleteTagsInput, ListTagsInput, Tag } from '@aws-sdk/client-sagemaker';
import { unknownResource, validationError } from './errors';
import { createSerially } from '../serial';
import { arnOf, partsOf, type Account, type Operations } from './operations';

const MOST_TAGS = 50;

/** Things of one kind that carry tags. */
export interface Tagged {
  has(name: string): boolean;
  tags(name: string): Promise<Tag[]>;
  setTags(name: string, tags: Tag[]): Promise<void>;
}

/** AddTags, ListTags and DeleteTags over what each resource of an ARN stands for. */
export function tagOperations(account: Account, resources: Record<string, Tagged>): Operations {
  const find = (arn: string) => {
    const { resource, name } = partsOf(arn);
    const tagged = Object.hasOwn(resources, resource) ? resources[resource] : undefined;
    if (!tagged?.has(name) || arn !== arnOf(account, resource, name)) throw unknownResource();
    return { tagged, name };
  };
  const serially = createSerially();
  const change = (arn: string, of: (before: Tag[]) => Tag[]) =>
    serially(async () => {
      const { tagged, name } = find(arn);
      const after = of(await tagged.tags(name));
      await tagged.setTags(name, after);
      return after;
    });
  return {
    async AddTags({ ResourceArn, Tags }: AddTagsInput) {
      checkTags(Tags);
      return { Tags: await change(ResourceArn!, (before) => withTags(before, Tags!, ResourceArn!)) };
    },
    async ListTags({ ResourceArn, NextToken }: ListTagsInput) {
      // There are no more tags than the smallest page holds, so that no token was ever given.
      if (NextToken !== undefined) throw validationError('Invalid NextToken.');
      const { tagged, name } = find(ResourceArn!);
      return { Tags: await tagged.tags(name) };
    },
    async DeleteTags({ ResourceArn, TagKeys }: DeleteTagsInput) {
      await change(ResourceArn!, (before) => before.filter(({ Key }) => !TagKeys!.includes(Key!)));
      return {};
    },
  };
}

/** Adds tags, over those with the same key. */
function withTags(before: Tag[], added: Tag[], arn: string): Tag[] {
  const all = [...new Map([...before, ...added].map((tag) => [tag.Key, tag])).values()];
  if (all.length <= MOST_TAGS) return all;
  throw validationError(`The number of tags has exceeded the maximum of ${MOST_TAGS} for ${arn}.`);
}

/** @throws ApiError where keys are reserved or named twice */
export function checkTags(tags: Tag[] | undefined): void {
  const keys = (tags ?? []).map(({ Key }) => Key!);
  if (keys.some((key) => key.toLowerCase().startsWith('aws:'))) {
    throw validationError('Tag keys must not begin with the reserved prefix "aws:".');
  }
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) throw validationError(`Duplicate tag keys found: ${twice}`);
}
