import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { createStack } from '../../local/stack/stack';
import { loadConfig, type Config } from '../../platform/config';
import { projectRoot } from '../../platform/project-root';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { connectClient } from '../../platform/temporal';

/** A platform of the benchmark's own, in a temporary folder and on free ports. */
export interface OwnPlatform {
  /** Runs `npm start` to its end. @returns seconds from the command to its end, its predictions printed */
  start(): Promise<number>;
  /** Stops every part. */
  down(): Promise<void>;
  /** Opens what runs for the time of one call. */
  connected<T>(use: (connected: Connected) => Promise<T>): Promise<T>;
}

/** A connection to a platform that runs. */
export interface Connected {
  client: Client;
  store: ObjectStore;
  config: Config;
  scoringUrl: string;
}

export async function withOwnPlatform<T>(use: (platform: OwnPlatform) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  const stack = createStack({ home });
  const platform: OwnPlatform = {
    start: () => npmStart(home),
    down: () => stack.down(),
    async connected(work) {
      const env = stack.env();
      // The AWS clients read their keys from the environment themselves.
      Object.assign(process.env, env);
      const config = loadConfig(env);
      const client = await connectClient(config.temporal);
      const store = createObjectStore(config.s3);
      try {
        return await work({ client, store, config, scoringUrl: env['MERIDIAN_SCORING_URL']! });
      } finally {
        store.close();
        await client.connection.close();
      }
    },
  };
  try {
    return await use(platform);
  } finally {
    await platform.down();
    await rm(home, { recursive: true, force: true });
  }
}

async function npmStart(home: string): Promise<number> {
  const began = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: projectRoot(),
    env: { ...process.env, MERIDIAN_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => output.push(text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(`npm start exited with ${code}:\n${Buffer.concat(output).toString('utf8')}`);
  return (performance.now() - began) / 1000;
}
