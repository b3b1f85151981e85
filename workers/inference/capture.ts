import {
  CAPTURE_FIELD,
  CAPTURE_STREAM,
  type CaptureBatch,
  type CaptureRecord,
} from '../../contracts/capture';
import { maskColumns } from '../../contracts/masking';
import type { FeatureValue } from '../../contracts/model';
import type { CapturedPrediction } from '../../contracts/scoring';
import type { Redis } from '../../platform/redis';
import { entityKey } from './routing';
import type { ServingModel, ServingVariant } from './serving-model';

/** One prediction to capture, failed or not. */
export interface Capture {
  serving: ServingModel;
  /** Null where the request failed before it was routed. */
  variant: ServingVariant | null;
  requestId: string;
  time: number;
  entity: Record<string, unknown> | null;
  features: Record<string, unknown> | null;
  prediction: number | null;
  latencyMs: number;
  error: CapturedPrediction['error'];
}

/** Where predictions go on record. Neither call ever throws or waits. */
export interface CaptureSink {
  add(capture: Capture): void;
  /** Counts captures that were lost elsewhere. */
  drop(count: number): void;
}

export interface CaptureBuffer extends CaptureSink {
  /** Predictions handed to Redis, and lost, since the start. */
  counts(): { captured: number; dropped: number };
  /** Sends what is waiting; for the shutdown. */
  close(): Promise<void>;
}

interface Options {
  redis: Redis;
  flushMs?: number;
  /** Largest number of predictions that wait in this process; more are dropped. */
  capacity?: number;
  /** Largest number of stream entries; while there are more, captures are dropped here rather than trimmed there. */
  maxEntries?: number;
}

/** Rows of one stream entry: a few dozen KB of JSON. */
const BATCH_ROWS = 64;
/** Rows turned into JSON in one go: half a millisecond, so that no request waits longer for it. */
const FLUSH_ROWS = 256;

/**
 * Gathers captures and sends them in batches. The stream is bounded here, by dropping and counting what comes while it
 * is full: trimming in Redis would lose entries uncounted, and under a drainer that is reading them.
 */
export function createCaptureBuffer({
  redis,
  flushMs = 200,
  capacity = 20_000,
  maxEntries = 10_000,
}: Options): CaptureBuffer {
  const waiting: Capture[] = [];
  let captured = 0;
  let dropped = 0;
  let full = false;
  let flushing: Promise<void> | null = null;
  const timer = setInterval(() => void flush(), flushMs);
  timer.unref();

  async function send(batches: CaptureBatch[]): Promise<void> {
    const pipeline = redis.pipeline();
    for (const batch of batches) pipeline.xadd(CAPTURE_STREAM, '*', CAPTURE_FIELD, JSON.stringify(batch));
    pipeline.xlen(CAPTURE_STREAM);
    const answers = (await pipeline.exec())!;
    batches.forEach(({ records }, index) => {
      if (answers[index]![0]) dropped += records.length;
      else captured += records.length;
    });
    full = Number(answers.at(-1)![1]) >= maxEntries;
  }

  async function flushOnce(): Promise<void> {
    const captures = waiting.splice(0, FLUSH_ROWS);
    const batches = captures.length > 0 && !full ? toBatches(captures) : [];
    if (batches.length === 0) dropped += captures.length;
    try {
      if (batches.length > 0 || full) await send(batches);
    } catch {
      dropped += batches.reduce((sum, { records }) => sum + records.length, 0);
    }
  }

  function flush(): Promise<void> {
    flushing ??= flushOnce().finally(() => {
      flushing = null;
      if (waiting.length >= BATCH_ROWS) void flush();
    });
    return flushing;
  }

  return {
    add(capture) {
      if (waiting.length >= capacity) dropped += 1;
      else if (waiting.push(capture) >= BATCH_ROWS) void flush();
    },
    drop(count) {
      dropped += count;
    },
    counts: () => ({ captured, dropped }),
    async close() {
      clearInterval(timer);
      await flush();
      while (waiting.length > 0) await flush();
    },
  };
}

/** Batches of one model and one list of inputs each, in the order they came. */
function toBatches(captures: readonly Capture[]): CaptureBatch[] {
  const batches: CaptureBatch[] = [];
  const open = new Map<ServingVariant['artifact'], CaptureBatch>();
  for (const capture of captures) {
    const variant = capture.variant ?? capture.serving.live;
    let batch = open.get(variant.artifact);
    if (!batch || batch.records.length >= BATCH_ROWS) {
      const inputs = variant.artifact.signature.inputs.map(({ name, type }) => ({ name, type }));
      batch = { model: capture.serving.name, inputs, records: [] };
      open.set(variant.artifact, batch);
      batches.push(batch);
    }
    batch.records.push(toRecord(capture, variant));
  }
  return batches;
}

/**
 * What leaves this process: personal join keys masked, so that one entity's predictions can be followed; personal inputs
 * null, because a column of numbers holds no mask.
 */
function toRecord(capture: Capture, { artifact, personal }: ServingVariant): CaptureRecord {
  const { entity, features, variant, serving } = capture;
  return {
    request_id: capture.requestId,
    time: capture.time,
    version: variant?.version ?? null,
    variant: variant?.mode ?? null,
    generation: serving.generation.n,
    entity: entity && entityKey(maskColumns(entity, personal.joinKeys)),
    features:
      features &&
      artifact.encoder.names.map((name) =>
        personal.inputs.has(name) ? null : (features[name] as FeatureValue),
      ),
    prediction: capture.prediction,
    latency_ms: capture.latencyMs,
    error: capture.error,
  };
}
