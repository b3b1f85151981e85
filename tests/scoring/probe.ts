import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { ProbeResult } from '../../contracts/release';
import type { probeWorker } from './probe-workflow';
import type { Rig } from './rig';

/** Runs the probe of one inference worker through a workflow, as a release does. */
export async function probe(rig: Rig, probeQueue: string, model: string): Promise<ProbeResult> {
  const taskQueue = `probing-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address: rig.config.temporal.address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./probe-workflow'),
  });
  const result = await worker.runUntil(
    rig.client.workflow.execute<typeof probeWorker>('probeWorker', {
      taskQueue,
      workflowId: taskQueue,
      args: [probeQueue, model],
    }),
  );
  await connection.close();
  return result;
}
