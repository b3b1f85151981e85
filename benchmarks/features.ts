import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedis } from '../platform/redis';
import { startRedis } from '../tests/support/redis';
import { makeData } from './features/data';
import { measureJoining } from './features/joining';
import { measureMaterializing } from './features/materializing';
import { measureReading } from './features/reading';
import type { Sizes } from './features/sizes';
import type { Row } from './row';

/**
 * The feature store: ours and the real Feast on the same Parquet files and the same Redis, in turns, each turn in a
 * process of its own; medians of the turns.
 */
export async function featuresBenchmark(sizes: Sizes, say: (text: string) => void): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  try {
    say('making the data');
    const data = await makeData(folder, sizes);
    const server = await startRedis(folder);
    const redisUrl = server.url;
    const redis = createRedis({ redisUrl });
    try {
      const scene = { sizes, data, redisUrl, redis, folder, say, feast: { redisUrl, folder, data } };
      return [
        ...(await measureMaterializing(scene)),
        ...(await measureJoining(scene)),
        ...(await measureReading(scene)),
      ];
    } finally {
      redis.disconnect();
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
