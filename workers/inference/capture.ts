import {
  CAPTURE_FIELD,
  CAPTURE_STREAM,
  type CaptureBatch,
  type CaptureRecord,
} from '../../contracts/capture';
import { mask, maskColumns } from '../../contracts/masking';
import type { FeatureValue } from '../../contracts/model';
import { decisive, type CapturedPrediction, type Prediction } from '../../contracts/scoring';
import type { Redis } from '../../platform/redis';
import { entityKey, sharePoint } from './routing';
import type { OnlineModel, OnlineVariant } from './serving-model';

/** One prediction to capture, failed or not. */
export interface Capture {
  serving: OnlineModel;
  /** Null where the request failed before it was routed. */
  variant: OnlineVariant | null;
  requestId: string;
  time: number;
  entity: Record<string, unknown> | null;
  features: Record<string, unknown> | null;
  prediction: Prediction | null;
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
/** Characters kept of a text: more than a model reads of it. */
const MAX_TEXT = 8192;
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
      if (!isSampled(capture)) return;
      if (waiting.length >= capacity) dropped += 1;
      else if (waiting.push(withShortTexts(capture)) >= BATCH_ROWS) void flush();
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
  const open = new Map<OnlineVariant['artifact'], CaptureBatch>();
  for (const capture of captures) {
    const variant = capture.variant ?? capture.serving.live;
    let batch = open.get(variant.artifact);
    if (!batch || batch.records.length >= BATCH_ROWS) {
      const inputs = variant.artifact.inputs.map(({ name, type }) => ({ name, type }));
      batch = { model: capture.serving.name, inputs, records: [] };
      open.set(variant.artifact, batch);
      batches.push(batch);
    }
    batch.records.push(toRecord(capture, variant));
  }
  return batches;
}

/** Whether the declared share takes this request: by its ID, so that its shadows go the way it goes. */
function isSampled({ serving, variant, requestId }: Capture): boolean {
  const { captureShare = 1 } = (variant ?? serving.live).declaration.serving;
  return captureShare >= 1 || sharePoint('capture', requestId) < captureShare;
}

/** Cuts long texts, and copies what is left: a part of a string would keep the whole in memory. */
function withShortTexts(capture: Capture): Capture {
  const { kind, inputs } = (capture.variant ?? capture.serving.live).artifact;
  if (kind !== 'text-classifier') return capture;
  const long = inputs.filter(({ name, type }) => type === 'text' && isLong(capture.features?.[name]));
  if (long.length === 0) return capture;
  const cut = long.map(({ name }): [string, string] => {
    const text = capture.features![name] as string;
    return [name, Buffer.from(text.slice(0, MAX_TEXT)).toString()];
  });
  return { ...capture, features: { ...capture.features, ...Object.fromEntries(cut) } };
}

const isLong = (text: unknown): boolean => typeof text === 'string' && text.length > MAX_TEXT;

/**
 * What leaves this process: personal join keys and texts masked, so that what is equal can be followed; other personal
 * inputs null, because a column of numbers holds no mask and a category would be guessed.
 */
function toRecord(capture: Capture, { artifact, personal }: OnlineVariant): CaptureRecord {
  const { entity, features, variant, serving, prediction } = capture;
  return {
    request_id: capture.requestId,
    time: capture.time,
    version: variant?.version ?? null,
    variant: variant?.mode ?? null,
    generation: serving.generation?.n ?? null,
    entity: entity && entityKey(maskColumns(entity, personal.joinKeys)),
    features:
      features &&
      artifact.inputs.map(({ name, type }) => {
        const value = features[name] as FeatureValue;
        if (!personal.inputs.has(name)) return value;
        return type === 'text' ? mask(value) : null;
      }),
    prediction: prediction === null ? null : decisive(prediction),
    ...(typeof prediction === 'object' && prediction ? { predicted_label: prediction.label } : {}),
    latency_ms: capture.latencyMs,
    error: capture.error,
  };
}
