import { performance } from 'node:perf_hooks';
import { ErrorCode, type MeridianError } from '../../contracts/errors';
import type { PredictOutcome, PredictRow } from '../../contracts/scoring';
import type { CaptureSink } from './capture';
import { findServing, type Target } from './find-serving';
import type { Lanes } from './lanes';
import type { ScoringMetrics } from './metrics';
import type { ModelPool } from './model-pool';
import { requireOnline, type OnlineModel, type OnlineVariant } from './serving-model';
import { againOn, failure, toOutcome, toWork, type Work } from './work';

export interface Asking extends Target {
  /** `performance.now()` that latency is counted from; default: now. */
  startedAt?: number;
  /** Milliseconds after `startedAt` in which the caller wants its answer. */
  timeoutMs?: number;
}

/** The one way to a prediction, whichever way the request came in. */
export interface Predictor {
  /**
   * Answers in the order of the rows; a bad row gets its typed error and the good ones beside it are unharmed.
   * Never rejects.
   */
  predictMany(model: string, rows: readonly PredictRow[], asking?: Asking): Promise<PredictOutcome[]>;
}

interface Dependencies {
  pool: Pick<ModelPool, 'get' | 'staged'>;
  lanes: Lanes;
  capture: CaptureSink;
  metrics: Pick<ScoringMetrics, 'prediction'>;
}

export function createPredictor({ pool, lanes, capture, metrics }: Dependencies): Predictor {
  /** Every work is routed and answered; most requests are one row, or rows of one variant. */
  async function answer(serving: OnlineModel, works: readonly Work[]): Promise<void> {
    const byVariant = new Map<OnlineVariant, Work[]>();
    for (const work of works) {
      if (work.error) continue;
      const variant = (work.variant = serving.route(work.stickyKey));
      const group = byVariant.get(variant);
      if (group) group.push(work);
      else byVariant.set(variant, [work]);
    }
    const groups = [...byVariant];
    await (groups.length === 1
      ? lanes.submit(...groups[0]!)
      : Promise.all(groups.map(([variant, group]) => lanes.submit(variant, group))));
  }

  /** The same rows once more on every shadow, after the callers have their answers; dropped where there is no time for them. */
  async function scoreShadows(
    serving: OnlineModel,
    answered: readonly Work[],
    startedAt: number,
  ): Promise<void> {
    for (const shadow of serving.shadows) {
      const works = answered.filter((work) => work.checked).map((work) => againOn(work, shadow));
      if (await lanes.idle()) await lanes.submit(shadow, works);
      const scored = works.filter((work) => work.prediction !== null || isOwn(work.error));
      capture.drop(works.length - scored.length);
      record(serving, scored, startedAt);
    }
  }

  function record(serving: OnlineModel, works: readonly Work[], startedAt: number): PredictOutcome[] {
    const latency = elapsed(startedAt);
    const time = Date.now();
    return works.map((work) => {
      metrics.prediction(serving.name, work.variant, latency, work.error);
      capture.add({
        serving,
        variant: work.variant,
        requestId: work.row.requestId,
        time,
        entity: work.checked?.entity ?? null,
        features: work.features,
        prediction: work.prediction,
        latencyMs: latency,
        error: work.error?.code ?? null,
      });
      return toOutcome(work, latency);
    });
  }

  return {
    async predictMany(model, rows, { startedAt = performance.now(), timeoutMs, staged, version } = {}) {
      let serving: OnlineModel;
      try {
        serving =
          staged || version !== undefined
            ? await findServing(pool, model, { staged, version })
            : requireOnline(pool.get(model));
      } catch (error) {
        return rows.map((row) => failure(row, error as MeridianError));
      }
      const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : startedAt + timeoutMs;
      const works = rows.map((row) => toWork(row, deadline));
      await answer(serving, works);
      const outcomes = record(serving, works, startedAt);
      if (serving.shadows.length > 0) {
        setImmediate(() => {
          const begun = performance.now();
          scoreShadows(serving, works, begun).catch(() => capture.drop(works.length));
        });
      }
      return outcomes;
    },
  };
}

/** Whether the error says something of the version, not of how busy the worker is. */
const isOwn = (error: MeridianError | null): boolean => error !== null && error.code !== ErrorCode.Overloaded;

const elapsed = (since: number): number => Math.round((performance.now() - since) * 1000) / 1000;
