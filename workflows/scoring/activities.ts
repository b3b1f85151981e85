import { proxyLocalActivities } from '@temporalio/workflow';
import type { createScoringActivities } from '../../activities/scoring';

/** Local: run in the process that holds both the workflow and the models. */
export const { predictRows } = proxyLocalActivities<ReturnType<typeof createScoringActivities>>({
  startToCloseTimeout: '10 s',
  scheduleToCloseTimeout: '30 s',
  retry: { initialInterval: '50 ms', maximumAttempts: 3 },
});
