import type { Client } from '@temporalio/client';
import { localEnv } from '../local/stack/commands';
import { loadConfig, type Config } from '../platform/config';
import { createObjectStore, type ObjectStore } from '../platform/s3';
import { connectClient } from '../platform/temporal';

/** What a command needs of the platform; connected when first asked for, closed by `close`. */
export interface Platform {
  config: Config;
  temporal(): Promise<Client>;
  store(): ObjectStore;
  close(): Promise<void>;
}

/** The platform that the environment names; where it names none, the one running under `.local/`. */
export function openPlatform(): Platform {
  if (!process.env['TEMPORAL_ADDRESS']) Object.assign(process.env, localEnv());
  const config = loadConfig();
  let client: Client | undefined;
  let store: ObjectStore | undefined;
  return {
    config,
    temporal: async () => (client ??= await connectClient(config.temporal)),
    store: () => (store ??= createObjectStore(config.s3)),
    async close() {
      await client?.connection.close();
      store?.close();
    },
  };
}

/** Opens the platform for the time of one command. */
export async function withPlatform<T>(use: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = openPlatform();
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
