import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import { createProbeActivities } from '../activities/scoring/probe';
import { createScoringActivities } from '../activities/scoring';
import { FEAST_PROJECT } from '../contracts/ids';
import { probeQueue, TaskQueue } from '../contracts/task-queues';
import { loadConfig } from '../platform/config';
import { createLog } from '../platform/log';
import { createSlots } from '../platform/onnx/slots';
import { createOnlineStore } from '../platform/online-store';
import { reportReady, runMain, shutdownSignal } from '../platform/process';
import { createRedis } from '../platform/redis';
import { hearOfReleases } from '../platform/release-news';
import { createObjectStore } from '../platform/s3';
import { createTelemetry } from '../platform/telemetry';
import { connectWorker, installRuntime, workerDefaults } from '../platform/temporal';
import { workflowBundle } from '../platform/workflow-bundle';
import { startHttpServer } from './http/server';
import { createCaptureBuffer } from './inference/capture';
import { createEntityLookUp } from './inference/entity-features';
import { startGrpcServer } from './inference/grpc/server';
import { createService } from './inference/grpc/service';
import { createRoutes } from './inference/http';
import { createLanes } from './inference/lanes';
import { createScoringMetrics } from './inference/metrics';
import { createModelPool, untilReady } from './inference/model-pool';
import { createPredictor } from './inference/predictor';
import { createPresence } from './inference/presence';
import { createProbeTarget } from './inference/probe-target';

const log = createLog('inference');

/** The scorer workflows, and online inference through them and over HTTP. */
async function main(): Promise<void> {
  const config = loadConfig();
  const workerId = `${hostname()}-${process.pid}`;
  const startedAt = new Date().toISOString();
  installRuntime(log);
  const shutdown = shutdownSignal(log);

  const store = createObjectStore(config.s3);
  const redis = createRedis(config);
  const capture = createCaptureBuffer({ redis });
  const telemetry = createTelemetry();
  const metrics = createScoringMetrics(telemetry);
  const slots = createSlots(config.scoring.slots);
  const pool = createModelPool({ store, log, texts: slots, onChange: () => presence.update() });
  const lookUp = createEntityLookUp(createOnlineStore(redis, FEAST_PROJECT));
  const lanes = createLanes({ lookUp, metrics, slots: slots.size });
  const predictor = createPredictor({ pool, lanes, capture, metrics });
  const http = await startHttpServer(
    createRoutes({ workerId, pool, predictor, capture, metrics }),
    config.scoring,
    log,
  );
  const grpc =
    config.scoring.grpcPort === undefined
      ? null
      : await startGrpcServer(createService({ pool, predictor, log }), {
          host: config.scoring.host,
          port: config.scoring.grpcPort,
        });
  const presence = createPresence(redis, workerId, () => ({
    id: workerId,
    address: http.url,
    probeQueue: probeQueue(workerId),
    startedAt,
    models: pool.status(),
  }));

  // Calls from the queue are taken only once they can be answered.
  await untilReady(pool, shutdown);
  pool.watch();
  const stopHearing = hearOfReleases(redis, () => void pool.reload().catch(() => undefined));
  const connection = await connectWorker(config.temporal, log);
  const common = { ...workerDefaults, connection, namespace: config.temporal.namespace };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: TaskQueue.scoring,
      workflowBundle: workflowBundle('scoring'),
      activities: createScoringActivities(predictor),
      // A scorer whose history a newer build does not replay ends; the next call starts another.
      workflowFailureErrorTypes: { '*': [], scorer: ['NondeterminismError'] },
      enableNonLocalActivities: false,
      // How long calls to a scorer wait for the worker that had it, before any other may take it over.
      stickyQueueScheduleToStartTimeout: '1 s',
    }),
    Worker.create({
      ...common,
      taskQueue: probeQueue(workerId),
      activities: createProbeActivities({ workerId, target: createProbeTarget(pool) }),
    }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  await presence.announce();
  reportReady();
  log.info({ workerId, address: http.url, grpc: grpc?.address, models: pool.status() }, 'ready');

  const stopping = new Promise<void>((resolve) => {
    if (shutdown.aborted) resolve();
    shutdown.addEventListener('abort', () => resolve());
  });
  await Promise.race([stopping, running]);
  await presence.withdraw();
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  await Promise.all([http.close(), grpc?.close(), running]);
  stopHearing();
  pool.stop();
  await capture.close();
  telemetry.close();
  await slots.close();
  await connection.close();
}

runMain(log, main);
