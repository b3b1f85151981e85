import { text } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeatureActivities, type MaterializeHeartbeat } from '../../activities/features';
import type { MaterializeViewInput } from '../../activities/features';
import { createRedis } from '../../platform/redis';
import { createObjectStore } from '../../platform/s3';

export interface LoadRequest {
  input: MaterializeViewInput;
  redisUrl: string;
  s3: Parameters<typeof createObjectStore>[0];
  /** What the attempt before told last. */
  last?: MaterializeHeartbeat;
  /** After this chunk the process kills itself, as the kernel would: SIGKILL, rows in flight. */
  dieAfterChunk?: number;
}

/** Runs one load in a process of its own; prints each heartbeat and then the result, one JSON a line. */
async function main(): Promise<void> {
  const { input, redisUrl, s3, last, dieAfterChunk } = JSON.parse(await text(process.stdin)) as LoadRequest;
  const { materializeView } = createFeatureActivities({
    store: createObjectStore(s3),
    redis: createRedis({ redisUrl }),
  });
  const environment = new MockActivityEnvironment({ heartbeatDetails: last });
  environment.on('heartbeat', (heartbeat: MaterializeHeartbeat) => {
    process.stdout.write(`${JSON.stringify({ heartbeat })}\n`);
    if (heartbeat.phase === 'writing' && heartbeat.position.chunk === dieAfterChunk)
      process.kill(process.pid, 'SIGKILL');
  });
  const result = await environment.run(materializeView, input);
  process.stdout.write(`${JSON.stringify({ result })}\n`);
  process.exit(0);
}

void main();
