import type { Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { createDeclarationActivities } from './declarations';
import { createRegistrationActivities } from './registration';
import { createTrialActivities } from './trials';
import { createVersionActivities } from './versions';
import { createViewActivities } from './views';

export type { ViewsRequest } from './views';

interface Dependencies {
  store: ObjectStore;
  mlflow: Mlflow;
}

/** The registry: declarations as published, versions as packaged, and MLflow's record of both. */
export function createRegistryActivities({ store, mlflow }: Dependencies) {
  return {
    ...createDeclarationActivities(store),
    ...createVersionActivities(store),
    ...createViewActivities(store),
    ...createRegistrationActivities(store, mlflow),
    ...createTrialActivities(store, mlflow),
  };
}
