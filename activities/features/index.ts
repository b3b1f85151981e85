import { FEAST_PROJECT } from '../../contracts/ids';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';
import { createCompareStores } from './compare-stores';
import { createComputeFeatures } from './compute-features';
import { createMaterializeView } from './materialize-view';

export type { ComputedFeatures, ComputeFeaturesInput, ComputeHeartbeat } from './compute-features';

export type { MaterializedView } from '../../contracts/features';
export type { MaterializeHeartbeat, MaterializeViewInput } from './materialize-view';
export type { Watermark } from './watermark';

export interface FeatureDependencies {
  store: ObjectStore;
  redis: Redis;
  /** Feast's project; part of every key in Redis. */
  project?: string;
}

/** The activities of the feature store; each lives in the file that bears its name. */
export const createFeatureActivities = ({ store, redis, project = FEAST_PROJECT }: FeatureDependencies) => ({
  computeFeatures: createComputeFeatures({ store }),
  compareStores: createCompareStores({ store, redis, project }),
  materializeView: createMaterializeView({ store, redis, project }),
});
