import type { FeatureView } from '../../contracts/model';
import type { TypedColumn } from '../../platform/duckdb-types';

export const joinKeyNames = (view: FeatureView): string[] => view.entity.joinKeys.map(({ name }) => name);

/** Names and types of what a view's transformation must give, and what its partitions hold. */
export const declaredColumns = (view: FeatureView): TypedColumn[] => [
  ...view.entity.joinKeys,
  ...view.features,
];
