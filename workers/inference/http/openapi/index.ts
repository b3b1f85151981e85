import { sendText } from '../../../http/response';
import type { Routes } from '../../../http/server';
import { SERVER_METADATA } from '../../open-inference/server-metadata';
import { PARAMETERS, PATHS } from './paths';
import { SCHEMAS } from './schemas';

/** Everything that an inference worker answers over HTTP, errors included. */
export const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Meridian scoring',
    version: SERVER_METADATA.version,
    description:
      'Predictions of the models that serve. Bodies are JSON in UTF-8 of at most 1 MiB; of a key that stands twice in an object, ' +
      'the last counts.',
  },
  paths: PATHS,
  components: { schemas: SCHEMAS, parameters: PARAMETERS },
};

const TEXT = JSON.stringify(DOCUMENT);

export function createOpenApiRoutes(): Routes {
  return {
    '/openapi.json': {
      GET: ({ response }) => sendText(response, 200, 'application/json; charset=utf-8', TEXT),
    },
  };
}
