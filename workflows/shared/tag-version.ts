import { upsertSearchAttributes } from '@temporalio/workflow';
import { SearchAttribute } from '../../contracts/search-attributes';

/** Makes the run findable by the version it is about. */
export function tagVersion(version: string): void {
  upsertSearchAttributes([{ key: SearchAttribute.modelVersion, value: version }]);
}
