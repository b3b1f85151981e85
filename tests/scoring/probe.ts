import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { ProbeResult } from '../../contracts/release';
import type { probeWorker } from './probe-workflow';
import type { Rig } from './rig';

/** Runs the probe of one inference worker through a workflow, as a release does. */
export const probe = async (rig: Rig, probeQueue: string, model: string): Promise<ProbeResult> =>
  (await probeAll(rig, probeQueue, [model]))[0]!;

/** The same for several models. */
export async function probeAll(
  rig: Rig,
  probeQueue: string,
  models: readonly string[],
): Promise<ProbeResult[]> {
  const taskQueue = `probing-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address: rig.config.temporal.address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./probe-workflow'),
  });
  const results = await worker.runUntil(
    Promise.all(
      models.map((model) =>
        rig.client.workflow.execute<typeof probeWorker>('probeWorker', {
          taskQueue,
          workflowId: `${taskQueue}/${model}`,
          args: [probeQueue, model],
        }),
      ),
    ),
  );
  await connection.close();
  return results;
}
