import type { Tag } from '@aws-sdk/client-sagemaker';
import type { TrainingSpecification } from '../../contracts/training';
import type { Config } from '../../platform/config';

const LONGEST_VALUE = 256;
/** What SageMaker allows in a tag's value. */
const FORBIDDEN = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/** The declaration's tags and the platform's: model, cost centre, and what `about` says of the run. */
export function tagsOf(
  { model, tags, costCentre }: TrainingSpecification,
  config: Pick<Config['sagemaker'], 'costCentre'>,
  about: Record<string, string> = {},
): Tag[] {
  const centre = costCentre ?? config.costCentre;
  const all = {
    ...tags,
    'meridian:model': model,
    ...(centre && { 'meridian:cost-centre': centre }),
    ...about,
  };
  return Object.entries(all).map(([Key, value]) => ({
    Key,
    Value: value.replace(FORBIDDEN, '_').slice(0, LONGEST_VALUE),
  }));
}
