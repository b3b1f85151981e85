import { StatsD } from 'hot-shots';

/** Counters, gauges and distributions in DogStatsD's protocol; names live under `ml.`. */
export interface Telemetry {
  count(name: string, value: number, tags: Record<string, string>): void;
  gauge(name: string, value: number, tags: Record<string, string>): void;
  distribution(name: string, value: number, tags: Record<string, string>): void;
  close(): void;
}

/** Sends to `DD_AGENT_HOST`:`DD_DOGSTATSD_PORT` where they are set, and nowhere otherwise. */
export function createTelemetry(env: Record<string, string | undefined> = process.env): Telemetry {
  const client = new StatsD({
    host: env['DD_AGENT_HOST'] ?? '127.0.0.1',
    port: Number(env['DD_DOGSTATSD_PORT'] ?? 8125),
    prefix: 'ml.',
    mock: env['DD_AGENT_HOST'] === undefined,
    // UDP to an agent that is away must not disturb what is measured.
    errorHandler: () => undefined,
  });
  return {
    count: (name, value, tags) => client.increment(name, value, tags),
    gauge: (name, value, tags) => client.gauge(name, value, tags),
    distribution: (name, value, tags) => client.distribution(name, value, tags),
    close: () => client.close(() => undefined),
  };
}
