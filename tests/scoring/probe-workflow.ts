import { proxyActivities } from '@temporalio/workflow';
import type { createProbeActivities } from '../../activities/scoring/probe';
import type { ProbeResult } from '../../contracts/release';

/** What a release does: asks one worker by its own queue. */
export async function probeWorker(taskQueue: string, model: string): Promise<ProbeResult> {
  const { probe } = proxyActivities<ReturnType<typeof createProbeActivities>>({
    taskQueue,
    scheduleToCloseTimeout: '20 s',
  });
  return probe({ model });
}
