import { CAPTURE_STREAM, type CaptureBatch } from '../../contracts/capture';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration } from '../../contracts/model';
import type { Generation } from '../../contracts/release';
import type { PredictRow } from '../../contracts/scoring';
import { createOnlineStore } from '../../platform/online-store';
import { createTelemetry } from '../../platform/telemetry';
import { createCaptureBuffer } from '../../workers/inference/capture';
import { createEntityLookUp } from '../../workers/inference/entity-features';
import { createLanes } from '../../workers/inference/lanes';
import { createScoringMetrics, type ScoringMetrics } from '../../workers/inference/metrics';
import { createPredictor, type Predictor } from '../../workers/inference/predictor';
import { loadGeneration, type ServingModel } from '../../workers/inference/serving-model';
import { setStage, type Stage } from '../features/stage';
import { until } from '../support/servers';
import { declarationOf, register, release } from './rig';

const features = { tenure: 12.5, auto_renew: true, plan: 'plus' };
const asked = (count: number): PredictRow[] =>
  Array.from({ length: count }, (_, index) => ({ requestId: `request-${index}`, features }));

let stage: Stage;
const loaded: ServingModel[] = [];
beforeAll(async () => {
  stage = await setStage();
});
afterAll(async () => {
  await Promise.all(loaded.flatMap(({ variants }) => variants.map(({ artifact }) => artifact.release())));
  await stage.tearDown();
});

interface Desk {
  predictor: Predictor;
  metrics: ScoringMetrics;
  declaration: ModelDeclaration;
  /** What went on record of this model, once all of it has: shadows of the tests before may still come. */
  captured: () => Promise<{ request_id: string; variant: string | null; error: string | null }[]>;
}

/** A model that serves, with a shadow beside it, as an inference worker holds it. */
async function serve(model: string, serving: Partial<ModelDeclaration['serving']>): Promise<Desk> {
  const declaration = declarationOf(model);
  Object.assign(declaration.serving, serving);
  const version = await register(stage.store, declaration, `${model}-v1.0.0`);
  const shadow = await register(stage.store, declaration, `${model}-v1.1.0`);
  await release(stage.store, model, 1, version, [{ ...shadow, mode: 'shadow', weight: 0 }]);
  const generation = await stage.store.getJson<Generation>(Key.generation(model, 1));
  const held = await loadGeneration(stage.store, generation, []);
  loaded.push(held);
  const metrics = createScoringMetrics(createTelemetry({}));
  const capture = createCaptureBuffer({ redis: stage.redis });
  const lookUp = createEntityLookUp(createOnlineStore(stage.redis, 'meridian'));
  const lanes = createLanes({ lookUp, metrics, slots: 1 });
  return {
    declaration,
    metrics,
    predictor: createPredictor({
      pool: { get: () => held, staged: async () => held },
      lanes,
      capture,
      metrics,
    }),
    captured: async () => {
      await capture.close();
      const entries = await stage.redis.xrange(CAPTURE_STREAM, '-', '+');
      const batches = entries.map(([, [, batch]]) => JSON.parse(batch!) as CaptureBatch);
      return batches.filter((batch) => batch.model === model).flatMap(({ records }) => records);
    },
  };
}

const codes = (outcomes: Awaited<ReturnType<Predictor['predictMany']>>): string[] =>
  outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code));

describe('the predictor', () => {
  it('refuses rows beyond what may wait, and answers the others', async () => {
    const { predictor } = await serve('crowded', { maxWaiting: 10, maxBatch: 4 });
    const outcomes = await Promise.all(asked(25).map((row) => predictor.predictMany('crowded', [row])));
    const found = codes(outcomes.flat());
    expect(found.filter((code) => code === 'ok')).toHaveLength(10);
    expect(found.filter((code) => code === 'Overloaded')).toHaveLength(15);
  });

  it('does no work for a caller whose deadline has passed', async () => {
    const { predictor } = await serve('late', {});
    const startedAt = performance.now() - 50;
    expect(codes(await predictor.predictMany('late', asked(2), { startedAt, timeoutMs: 10 }))).toEqual([
      'DeadlineExceeded',
      'DeadlineExceeded',
    ]);
    expect(codes(await predictor.predictMany('late', asked(2), { timeoutMs: 60_000 }))).toEqual(['ok', 'ok']);
  });

  it.each([
    ['refuse', 'EntityOptedOut'],
    ['score-without-features', 'ok'],
  ] as const)('answers who has opted out as declared: %s', async (optedOut, expected) => {
    const model = `private-${optedOut}`;
    const { predictor, declaration } = await serve(model, { optedOut });
    const [view] = declaration.views;
    const entity = { customer_id: `gone-${optedOut}` };
    await createOnlineStore(stage.redis, 'meridian').forget(view!.entity.joinKeys, [entity]);
    const outcomes = await predictor.predictMany(model, [
      { requestId: 'gone', entity },
      { requestId: 'never-there', entity: { customer_id: `nobody-${optedOut}` } },
    ]);
    expect(codes(outcomes)).toEqual([expected, 'UnknownEntity']);
  });

  it('records the declared share of the requests, a shadow wherever its request', async () => {
    const { predictor, metrics, captured } = await serve('sampled', { captureShare: 0.3 });
    await predictor.predictMany('sampled', asked(1000));
    const scored = 'count{model="sampled",model_version="sampled-v1.1.0",variant="shadow"} 1000';
    await until('the shadow to score them', async () => (await metrics.expose()).text.includes(scored));
    const records = await captured();
    const idsOf = (mode: string) =>
      records.filter(({ variant }) => variant === mode).map(({ request_id }) => request_id);
    expect(idsOf('live').length).toBeGreaterThan(200);
    expect(idsOf('live').length).toBeLessThan(400);
    expect(idsOf('shadow')).toEqual(idsOf('live'));
  });

  it('counts rows, errors and runs of the graph by version and variant', async () => {
    const { predictor, metrics } = await serve('counted', {});
    await predictor.predictMany('counted', [...asked(3), { requestId: 'bad', features: { tenure: 'x' } }]);
    const { text } = await metrics.expose();
    const tags = 'model="counted",model_version="counted-v1.0.0",variant="live"';
    expect(text).toContain(`ml_model_prediction_count{${tags}} 4`);
    expect(text).toContain(`ml_model_prediction_errors{${tags},code="InvalidFeatures"} 1`);
    expect(text).toContain(`ml_model_prediction_batch_size_sum{${tags}} 4`);
    expect(text).toContain(`ml_model_prediction_queue_ms_count{${tags}} 4`);
    expect(text).toContain(`ml_model_prediction_latency_count{${tags}} 4`);
  });
});
