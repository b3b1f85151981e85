import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRedis } from '../../platform/redis';
import { freePort, until } from './servers';
import { findTestTools } from './tools';

export interface RedisServer {
  url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** redis-server on a free port, nothing kept on disk: the one that MERIDIAN_REDIS_BIN names, else the installed one. */
export async function startRedis(folder: string, atPort?: number): Promise<RedisServer> {
  const binary = process.env['MERIDIAN_REDIS_BIN'] ?? (await findTestTools()).redis;
  const port = atPort ?? (await freePort());
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn(binary, args, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${port}`;
  const client = createRedis({ redisUrl: url });
  await until(`redis-server on port ${port}`, () =>
    client.ping().then(
      () => true,
      () => false,
    ),
  );
  client.disconnect();
  return {
    url,
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}
