import { Worker } from '@temporalio/worker';
import { createAuditActivities } from '../activities/audit';
import { createCostActivities } from '../activities/cost';
import { createLimitActivities } from '../activities/limits';
import { createNotificationActivities } from '../activities/notifications';
import { createTrainingEndedActivities } from '../activities/notifications/training-ended';
import { createRegistryActivities } from '../activities/registry';
import { createReleaseActivities } from '../activities/release';
import { createSagemakerActivities } from '../activities/sagemaker';
import { readPrices } from '../activities/sagemaker/prices';
import { TaskQueue } from '../contracts/task-queues';
import { loadConfig } from '../platform/config';
import { createJobEvents } from '../platform/job-events';
import { createLog } from '../platform/log';
import { createMlflow } from '../platform/mlflow';
import { reportReady, runMain, shutdownSignal } from '../platform/process';
import { createRedis } from '../platform/redis';
import { createObjectStore } from '../platform/s3';
import { createSagemaker } from '../platform/sagemaker';
import { createSlack } from '../platform/slack';
import { createTelemetry } from '../platform/telemetry';
import { connectWorker, installRuntime, lazyClient, workerDefaults } from '../platform/temporal';
import { workflowBundle } from '../platform/workflow-bundle';

const log = createLog('pipelines');

/** All workflows but the scorers, and the activities that wait on other systems. */
async function main(): Promise<void> {
  const config = loadConfig();
  installRuntime(log);
  const shutdown = shutdownSignal(log);
  const connection = await connectWorker(config.temporal, log);
  const store = createObjectStore(config.s3);
  const mlflow = createMlflow(config.mlflowUrl);
  const redis = createRedis(config);
  const temporal = lazyClient(config.temporal);
  const say = createSlack(config.slack, log);
  const telemetry = createTelemetry();
  const prices = readPrices(config.sagemaker.pricesFile);
  const worker = await Worker.create({
    ...workerDefaults,
    connection,
    namespace: config.temporal.namespace,
    taskQueue: TaskQueue.pipelines,
    workflowBundle: workflowBundle('workflows'),
    // A run whose history a newer build does not replay ends: the next writer takes over from the bucket, and the next
    // load does whatever this one has not.
    workflowFailureErrorTypes: {
      '*': [],
      releaseModel: ['NondeterminismError'],
      materializeFeatures: ['NondeterminismError'],
    },
    maxConcurrentActivityTaskExecutions: 100,
    activities: {
      ...createRegistryActivities({ store, mlflow }),
      ...createReleaseActivities({ store, mlflow, redis, temporal }),
      ...createAuditActivities({ store }),
      ...createSagemakerActivities({
        sagemaker: createSagemaker(config.sagemaker),
        config,
        store,
        events: createJobEvents(redis),
        prices,
      }),
      ...createLimitActivities({ temporal, store }),
      ...createCostActivities({ store, prices }),
      ...createTrainingEndedActivities({ say, telemetry, store, config }),
      ...createNotificationActivities({
        say,
        telemetry,
        links: config.links,
        namespace: config.temporal.namespace,
      }),
    },
  });
  shutdown.addEventListener('abort', () => worker.shutdown());
  reportReady();
  await worker.run();
}

runMain(log, main);
