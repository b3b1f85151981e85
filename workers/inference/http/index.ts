import type { Routes } from '../../http/server';
import type { CaptureBuffer } from '../capture';
import type { ScoringMetrics } from '../metrics';
import type { ModelPool } from '../model-pool';
import type { Predictor } from '../predictor';
import { createModelRoutes } from './models';
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
    ...createModelRoutes(dependencies.pool),
    ...createOperationRoutes(dependencies),
  };
}
