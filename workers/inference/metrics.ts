import { Counter, Histogram, Registry } from 'prom-client';
import type { MeridianError } from '../../contracts/errors';
import type { Telemetry } from '../../platform/telemetry';
import type { Waited } from './lane';
import type { OnlineVariant } from './serving-model';

/** What an inference worker tells of its predictions, to Prometheus and to Datadog under the same names and tags. */
export interface ScoringMetrics {
  /** One row answered, or not. @param latencyMs from the request's head to its answer */
  prediction(
    model: string,
    variant: OnlineVariant | null,
    latencyMs: number,
    error: MeridianError | null,
  ): void;
  /** One run of a graph. */
  batch(variant: OnlineVariant, batch: readonly Waited<unknown>[]): void;
  /** In Prometheus's text format. */
  expose(): Promise<{ type: string; text: string }>;
}

type Tags = { model: string; model_version: string; variant: string };

const NAMES = ['model', 'model_version', 'variant'] as const;
const MILLISECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45, 80, 120, 200, 500, 1000, 5000];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];

/** A datagram a row would cost more than the row: of a busy second, so many values go to Datadog. Counts are of all. */
const MOST_SAMPLES_A_SECOND = 500;

export function createScoringMetrics(telemetry: Telemetry): ScoringMetrics {
  const registry = new Registry();
  const common = { registers: [registry], labelNames: NAMES };
  const count = new Counter({ ...common, name: 'ml_model_prediction_count', help: 'Rows asked for.' });
  const errors = new Counter({
    registers: [registry],
    labelNames: [...NAMES, 'code'] as const,
    name: 'ml_model_prediction_errors',
    help: 'Rows that got an error, by its code.',
  });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ ...common, name: `ml_model_prediction_${name}`, help, buckets });
  const latency = histogram('latency', 'Milliseconds from request to answer.', MILLISECONDS);
  const size = histogram('batch_size', 'Rows of one run of the graph.', ROWS);
  const queue = histogram('queue_ms', 'Milliseconds a row waited for its run.', MILLISECONDS);

  const counted = new Map<Tags, number>();
  let samples = 0;
  const timer = setInterval(() => {
    samples = 0;
    for (const [tags, rows] of counted) telemetry.count('model.prediction.count', rows, tags);
    counted.clear();
  }, 1000);
  timer.unref();

  const sample = (name: string, value: number, tags: Tags): void => {
    if (samples >= MOST_SAMPLES_A_SECOND) return;
    samples += 1;
    telemetry.distribution(`model.prediction.${name}`, value, tags);
  };

  return {
    prediction(model, variant, latencyMs, error) {
      const tags = variant ? tagsOf(variant) : unrouted(model);
      count.inc(tags);
      latency.observe(tags, latencyMs);
      counted.set(tags, (counted.get(tags) ?? 0) + 1);
      sample('latency', latencyMs, tags);
      if (!error) return;
      errors.inc({ ...tags, code: error.code });
      telemetry.count('model.prediction.errors', 1, { ...tags, code: error.code });
    },
    batch(variant, batch) {
      const tags = tagsOf(variant);
      size.observe(tags, batch.length);
      sample('batch_size', batch.length, tags);
      for (const { waitedMs } of batch) queue.observe(tags, waitedMs);
      sample('queue_ms', batch[0]!.waitedMs, tags);
    },
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

/** One object a variant: made once, and a key of what is counted. */
const KNOWN = new WeakMap<OnlineVariant, Tags>();
function tagsOf(variant: OnlineVariant): Tags {
  let tags = KNOWN.get(variant);
  if (!tags) {
    const { declaration, version, mode } = variant;
    KNOWN.set(variant, (tags = { model: declaration.name, model_version: version, variant: mode }));
  }
  return tags;
}

/** Of a row that was refused before it was routed. */
const UNROUTED = new Map<string, Tags>();
function unrouted(model: string): Tags {
  let tags = UNROUTED.get(model);
  if (!tags) UNROUTED.set(model, (tags = { model, model_version: 'none', variant: 'none' }));
  return tags;
}
