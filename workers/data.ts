import { Worker } from '@temporalio/worker';
import { createBatchActivities } from '../activities/batch';
import { createDatasetActivities } from '../activities/datasets';
import { createSeriesDatasetActivities } from '../activities/datasets/series';
import { createEvaluationActivities } from '../activities/evaluation';
import { createFeatureActivities } from '../activities/features';
import { createLabelActivities } from '../activities/labels';
import { createMonitoringActivities } from '../activities/monitoring';
import { createPrivacyActivities } from '../activities/privacy';
import { TaskQueue } from '../contracts/task-queues';
import { loadConfig } from '../platform/config';
import { createLog } from '../platform/log';
import { reportReady, runMain, shutdownSignal } from '../platform/process';
import { createRedis } from '../platform/redis';
import { createObjectStore } from '../platform/s3';
import { connectWorker, installRuntime, lazyClient, workerDefaults } from '../platform/temporal';

const log = createLog('data');

/** CPU- and memory-heavy activities: few at a time, each with memory of its own. */
const CONCURRENT_ACTIVITIES = 4;

async function main(): Promise<void> {
  const config = loadConfig();
  installRuntime(log);
  const shutdown = shutdownSignal(log);
  const connection = await connectWorker(config.temporal, log);
  const store = createObjectStore(config.s3);
  const redis = createRedis(config);
  const worker = await Worker.create({
    ...workerDefaults,
    connection,
    namespace: config.temporal.namespace,
    taskQueue: TaskQueue.data,
    maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES,
    activities: {
      ...createFeatureActivities({ store, redis }),
      ...createDatasetActivities({ store }),
      ...createSeriesDatasetActivities({ store }),
      ...createBatchActivities({ store }),
      ...createLabelActivities({ store }),
      ...createPrivacyActivities({ store, redis }),
      ...createEvaluationActivities({ store }),
      ...createMonitoringActivities({ store, temporal: lazyClient(config.temporal) }),
    },
  });
  shutdown.addEventListener('abort', () => worker.shutdown());
  reportReady();
  await worker.run();
}

runMain(log, main);
