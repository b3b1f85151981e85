import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { createConvergenceActivities } from './convergence';
import { createDecisionActivities } from './decisions';
import { createGenerationActivities } from './generations';
import { createStageActivities } from './stages';

interface Dependencies {
  store: ObjectStore;
  mlflow: Mlflow;
  redis: Redis;
  temporal: Client;
}

/** What `releaseModel` does to the world, and how other workflows ask it (workflows cannot update each other). */
export function createReleaseActivities({ store, mlflow, redis, temporal }: Dependencies) {
  return {
    ...createDecisionActivities(temporal),
    ...createGenerationActivities(store),
    ...createStageActivities(mlflow, store),
    ...createConvergenceActivities(redis, store),
  };
}
