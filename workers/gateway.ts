import { FEAST_PROJECT } from '../contracts/ids';
import { loadConfig } from '../platform/config';
import { createJobEvents } from '../platform/job-events';
import { createLog } from '../platform/log';
import { createOnlineStore } from '../platform/online-store';
import { reportReady, runMain, shutdownSignal } from '../platform/process';
import { createRedis } from '../platform/redis';
import { createObjectStore } from '../platform/s3';
import { createTelemetry } from '../platform/telemetry';
import { createCaptureDrainer } from './gateway/capture-drainer';
import { createCaptureStream } from './gateway/capture-stream';
import { createRoutes } from './gateway/http-routes';
import { createLease } from './gateway/lease';
import { readOverview } from './gateway/overview';
import { createVersionFinder } from './gateway/published-views';
import { createPush } from './gateway/push';
import { createTrainingEvents } from './gateway/training-events';
import { startHttpServer } from './http/server';

const log = createLog('gateway');

/** The status page, the features pushed, and the drainer that moves captured predictions from Redis to S3. */
async function main(): Promise<void> {
  const config = loadConfig();
  const shutdown = shutdownSignal(log);
  const store = createObjectStore(config.s3);
  const redis = createRedis(config);
  const telemetry = createTelemetry();
  const drainer = createCaptureDrainer({
    stream: createCaptureStream(redis),
    store,
    lease: createLease(redis, 'meridian:captures:drainer', 10_000),
    log,
  });
  const http = await startHttpServer(
    createRoutes({
      drainer,
      overview: () => readOverview(store, redis, config),
      push: createPush({
        findVersions: createVersionFinder(store),
        online: createOnlineStore(redis, FEAST_PROJECT),
        telemetry,
      }),
      trainingEvents: createTrainingEvents(createJobEvents(redis), config.gateway.eventsToken),
    }),
    config.gateway,
    log,
  );
  drainer.start();
  reportReady();
  log.info({ address: http.url }, 'ready');

  await new Promise<void>((resolve) => {
    if (shutdown.aborted) resolve();
    shutdown.addEventListener('abort', () => resolve());
  });
  await http.close();
  await drainer.stop();
  redis.disconnect();
  telemetry.close();
}

runMain(log, main);
