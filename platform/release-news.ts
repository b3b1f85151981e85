import { createSubscriber, type Redis } from './redis';

const CHANNEL = 'meridian:releases';

/** Tells every inference worker to look at what is released. Never rejects: news may be lost, and the workers' watch finds out. */
export async function tellOfRelease(redis: Pick<Redis, 'publish'>, model: string): Promise<void> {
  await redis.publish(CHANNEL, model).catch(() => undefined);
}

/** Hears of releases, on a connection of its own, until the function returned is called. */
export function hearOfReleases(redis: Redis, listener: (model: string) => void): () => void {
  const subscriber = createSubscriber(redis);
  subscriber.on('message', (_channel: string, model: string) => listener(model));
  subscriber.subscribe(CHANNEL).catch(() => undefined);
  return () => subscriber.disconnect();
}
