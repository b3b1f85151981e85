import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { TaskQueue } from '../../contracts/task-queues';
import type { createAuditActivities } from '../../activities/audit';
import type { createCostActivities } from '../../activities/cost';
import type { createBatchActivities } from '../../activities/batch';
import type { createDatasetActivities } from '../../activities/datasets';
import type { createSeriesDatasetActivities } from '../../activities/datasets/series';
import type { createEvaluationActivities } from '../../activities/evaluation';
import type { createFeatureActivities } from '../../activities/features';
import type { createLabelActivities } from '../../activities/labels';
import type { createLimitActivities } from '../../activities/limits';
import type { createMonitoringActivities } from '../../activities/monitoring';
import type { createNotificationActivities } from '../../activities/notifications';
import type { createTrainingEndedActivities } from '../../activities/notifications/training-ended';
import type { createPrivacyActivities } from '../../activities/privacy';
import type { createRegistryActivities } from '../../activities/registry';
import type { createReleaseActivities } from '../../activities/release';
import type { createSagemakerActivities } from '../../activities/sagemaker';
import { inWords } from './summaries';

type Activities<Factory extends (...dependencies: never[]) => object> = ReturnType<Factory>;

/**
 * How long an activity is retried while another system is down. What is not an outage gives up much earlier: the
 * workers end its retries after a few minutes (`platform/temporal.ts`).
 */
const patient: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '6 hours',
  // The workers heartbeat for every activity, so that one that is lost with its worker is noticed within seconds.
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

const waits = { ...patient, taskQueue: TaskQueue.pipelines };
const computes = {
  ...patient,
  taskQueue: TaskQueue.data,
  startToCloseTimeout: '30 minutes',
};

export const features = inWords<Activities<typeof createFeatureActivities>>(computes);
export const datasets = inWords<Activities<typeof createDatasetActivities>>(computes);
export const seriesDatasets = inWords<Activities<typeof createSeriesDatasetActivities>>(computes);
export const batch = inWords<Activities<typeof createBatchActivities>>(computes);
export const labels = inWords<Activities<typeof createLabelActivities>>(computes);
export const evaluation = inWords<Activities<typeof createEvaluationActivities>>(computes);
export const privacy = inWords<Activities<typeof createPrivacyActivities>>(computes);
export const monitoring = inWords<Activities<typeof createMonitoringActivities>>(computes);

export const registry = inWords<Activities<typeof createRegistryActivities>>(waits);
export const cost = inWords<Activities<typeof createCostActivities>>(waits);
export const limits = inWords<Activities<typeof createLimitActivities>>(waits);
export const release = inWords<Activities<typeof createReleaseActivities>>(waits);
export const audit = inWords<Activities<typeof createAuditActivities>>(waits);

/** A workflow that is cancelled stays open until it is known what became of the job: nobody else would stop it. */
const startsJobs = { ...waits, cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };
export const training = inWords<Activities<typeof createSagemakerActivities>>(startsJobs);

/** A training may last for days. */
export const trainingWait = inWords<Activities<typeof createSagemakerActivities>>({
  ...startsJobs,
  startToCloseTimeout: '5 days',
  scheduleToCloseTimeout: '6 days',
});

/** Artifacts of many megabytes travel to MLflow. */
export const registration = inWords<Activities<typeof createRegistryActivities>>({
  ...waits,
  startToCloseTimeout: '30 minutes',
});

/** Waits for its turn, and then holds what it got, for as long as a queue and a training may last. */
export const limitHold = inWords<Activities<typeof createLimitActivities>>({
  ...waits,
  startToCloseTimeout: '30 days',
  scheduleToCloseTimeout: '30 days',
});

/** Waits for `releaseModel` to decide, and for every inference worker to serve. */
export const decisionWait = inWords<Activities<typeof createReleaseActivities>>({
  ...waits,
  startToCloseTimeout: '1 hour',
});

/** Waits for every inference worker to serve a generation: minutes, then a person should look. */
export const convergence = inWords<Activities<typeof createReleaseActivities>>({
  ...waits,
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '20 minutes',
});

/** A message that cannot be sent must not hold a run up for long. */
export const notifications = inWords<
  Activities<typeof createNotificationActivities> & Activities<typeof createTrainingEndedActivities>
>({
  ...waits,
  startToCloseTimeout: '15 s',
  retry: { initialInterval: '1 s', maximumAttempts: 4 },
});
