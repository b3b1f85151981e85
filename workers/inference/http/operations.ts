import { sendJson, sendText } from '../../http/response';
import type { Routes } from '../../http/server';
import type { CaptureBuffer } from '../capture';
import type { ScoringMetrics } from '../metrics';
import type { ModelPool } from '../model-pool';

interface Dependencies {
  workerId: string;
  pool: Pick<ModelPool, 'ready' | 'reload' | 'status' | 'trouble'>;
  capture: Pick<CaptureBuffer, 'counts'>;
  metrics: Pick<ScoringMetrics, 'expose'>;
}

/** For those who run the worker: health, metrics, reload. */
export function createOperationRoutes({ workerId, pool, capture, metrics }: Dependencies): Routes {
  return {
    '/admin/reload-models': {
      POST: async ({ response }) => {
        await pool.reload();
        sendJson(response, 200, { models: pool.status() });
      },
    },
    '/metrics': {
      GET: async ({ response }) => {
        const { type, text } = await metrics.expose();
        sendText(response, 200, type, text);
      },
    },
    '/healthz': {
      GET: ({ response }) =>
        sendJson(response, 200, {
          status: 'ok',
          worker: workerId,
          captures: capture.counts(),
          store: pool.trouble() ?? 'ok',
        }),
    },
    '/readyz': {
      GET: ({ response }) => {
        const ready = pool.ready();
        sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'loading', models: pool.status() });
      },
    },
  };
}
