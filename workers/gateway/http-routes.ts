import { sendJson, sendText } from '../http/response';
import type { Routes } from '../http/server';
import type { CaptureDrainer } from './capture-drainer';
import type { Overview } from './overview';
import { renderStatusPage } from './status-page';

/** What the gateway answers over HTTP. */
export function createRoutes(
  drainer: Pick<CaptureDrainer, 'counts'>,
  overview: () => Promise<Overview>,
): Routes {
  return {
    '/': {
      GET: async ({ response }) =>
        sendText(response, 200, 'text/html; charset=utf-8', renderStatusPage(await overview())),
    },
    '/healthz': {
      GET: ({ response }) => sendJson(response, 200, { status: 'ok', captures: drainer.counts() }),
    },
  };
}
