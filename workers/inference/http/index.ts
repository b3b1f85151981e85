import type { Routes } from '../../http/server';
import type { CaptureBuffer } from '../capture';
import type { ScoringMetrics } from '../metrics';
import type { ModelPool } from '../model-pool';
import type { Predictor } from '../predictor';
import { createInvocationRoutes } from './invocations';
import { createModelRoutes } from './models';
import { createOpenInferenceRoutes } from './open-inference';
import { createOpenApiRoutes } from './openapi';
import { createOperationRoutes } from './operations';
import { createPredictRoutes } from './predict';

interface Dependencies {
  workerId: string;
  pool: ModelPool;
  predictor: Predictor;
  capture: Pick<CaptureBuffer, 'counts'>;
  metrics: Pick<ScoringMetrics, 'expose'>;
}

/** What an inference worker answers over HTTP. */
export function createRoutes(dependencies: Dependencies): Routes {
  return {
    ...createPredictRoutes(dependencies),
    ...createOpenInferenceRoutes(dependencies),
    ...createInvocationRoutes(dependencies.predictor),
    ...createModelRoutes(dependencies.pool),
    ...createOperationRoutes(dependencies),
    ...createOpenApiRoutes(),
  };
}
