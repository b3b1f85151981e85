import { createSubscriber, redisFailure, type Redis } from './redis';

/** Whoever waits for a job hears that something has happened to it; never what: SageMaker alone is asked that. */
export interface JobListener {
  /** Resolves with the next event, at once where one has come since `clear`. */
  heard(): Promise<void>;
  /** Forgets what has been heard. */
  clear(): void;
  close(): void;
}

/** News of SageMaker's jobs by name, from whoever receives them to whoever waits. They may be lost: polls find out all the same. */
export interface JobEvents {
  /** @throws MeridianError DependencyUnavailable while Redis is away */
  publish(jobName: string): Promise<void>;
  listen(jobName: string): JobListener;
  close(): void;
}

const channelOf = (jobName: string): string => `meridian:sagemaker:${jobName}`;

/** Over Redis; while that is away, nothing is heard and nothing fails but `publish`. */
export function createJobEvents(redis: Redis): JobEvents {
  const listeners = new Map<string, Set<Listener>>();
  const subscriber = createSubscriber(redis);
  subscriber.on('message', (channel: string) => {
    for (const listener of listeners.get(channel) ?? []) listener.tell();
  });

  return {
    async publish(jobName) {
      await redis.publish(channelOf(jobName), '').catch((error: unknown) => {
        throw redisFailure(redis, error);
      });
    },
    listen(jobName) {
      const channel = channelOf(jobName);
      const listener = new Listener(() => {
        const others = listeners.get(channel);
        others?.delete(listener);
        if (others?.size !== 0) return;
        listeners.delete(channel);
        subscriber.unsubscribe(channel).catch(() => undefined);
      });
      const others = listeners.get(channel);
      if (others) others.add(listener);
      else {
        listeners.set(channel, new Set([listener]));
        subscriber.subscribe(channel).catch(() => undefined);
      }
      return listener;
    },
    close: () => subscriber.disconnect(),
  };
}

class Listener implements JobListener {
  private told = false;
  private wake: () => void = () => undefined;

  constructor(readonly close: () => void) {}

  tell(): void {
    this.told = true;
    this.wake();
  }

  clear(): void {
    this.told = false;
  }

  async heard(): Promise<void> {
    if (!this.told) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}
