import { readJsonObject } from '../http/request';
import { sendJson, sendText } from '../http/response';
import type { Routes } from '../http/server';
import type { CaptureDrainer } from './capture-drainer';
import type { Overview } from './overview';
import type { Push } from './push';
import { renderStatusPage } from './status-page';
import type { TrainingEvents } from './training-events';

interface Dependencies {
  drainer: Pick<CaptureDrainer, 'counts'>;
  overview: () => Promise<Overview>;
  push: Push;
  trainingEvents: TrainingEvents;
}

/** What the gateway answers over HTTP. */
export function createRoutes({ drainer, overview, push, trainingEvents }: Dependencies): Routes {
  return {
    '/': {
      GET: async ({ response }) =>
        sendText(response, 200, 'text/html; charset=utf-8', renderStatusPage(await overview())),
    },
    '/v1/features/*': {
      POST: async ({ request, response, requestId, parameters: [view] }) =>
        sendJson(response, 200, await push(view!, await readJsonObject(request)), requestId),
    },
    '/v1/events/sagemaker': {
      POST: async ({ request, response, requestId }) => {
        trainingEvents.authorize(request);
        const answer = await trainingEvents.receive(await readJsonObject(request));
        sendJson(response, 202, answer, requestId);
      },
    },
    '/healthz': {
      GET: ({ response }) => sendJson(response, 200, { status: 'ok', captures: drainer.counts() }),
    },
  };
}
