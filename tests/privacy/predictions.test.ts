import { CAPTURE_STREAM, type CaptureBatch } from '../../contracts/capture';
import { Key } from '../../contracts/ids';
import { mask } from '../../contracts/masking';
import type { Generation } from '../../contracts/release';
import { createOnlineStore } from '../../platform/online-store';
import { createTelemetry } from '../../platform/telemetry';
import { createCaptureBuffer } from '../../workers/inference/capture';
import { createEntityLookUp } from '../../workers/inference/entity-features';
import { createLanes } from '../../workers/inference/lanes';
import { createScoringMetrics } from '../../workers/inference/metrics';
import { createPredictor, type Predictor } from '../../workers/inference/predictor';
import { loadGeneration, type ServingModel } from '../../workers/inference/serving-model';
import { setStage, type Stage } from '../features/stage';
import { declarationOf, releaseFirst } from '../scoring/rig';

const MODEL = 'private';
const EMAIL = 'ana@example.com';
const features = { tenure: 4_711, auto_renew: true, plan: 'secret-plan' };

let stage: Stage;
let serving: ServingModel;
beforeAll(async () => {
  stage = await setStage();
  const declaration = declarationOf(MODEL);
  const [view] = declaration.views;
  view!.entity.joinKeys[0]!.personal = true;
  for (const feature of view!.features) feature.personal = feature.name !== 'auto_renew';
  await releaseFirst(stage.store, declaration);
  const generation = await stage.store.getJson<Generation>(Key.generation(MODEL, 1));
  serving = await loadGeneration(stage.store, generation, []);
  await createOnlineStore(stage.redis, 'meridian').write(view!, [
    {
      entity: { customer_id: EMAIL },
      eventTimestamp: BigInt(Date.now()) * 1000n,
      createdTimestamp: 0n,
      values: [features.tenure, features.auto_renew, features.plan],
    },
  ]);
});
afterAll(async () => {
  await Promise.all(serving.variants.map(({ artifact }) => artifact.release()));
  await stage.tearDown();
});

/** Predicts, and gives what was answered and all that left the process for the record. */
async function observe(ask: (predictor: Predictor) => ReturnType<Predictor['predictMany']>) {
  await stage.redis.del(CAPTURE_STREAM);
  const capture = createCaptureBuffer({ redis: stage.redis });
  const lookUp = createEntityLookUp(createOnlineStore(stage.redis, 'meridian'));
  const metrics = createScoringMetrics(createTelemetry({}));
  const lanes = createLanes({ lookUp, metrics, slots: 1 });
  const answers = await ask(
    createPredictor({ pool: { get: () => serving, staged: async () => serving }, lanes, capture, metrics }),
  );
  await capture.close();
  const entries = await stage.redis.xrange(CAPTURE_STREAM, '-', '+');
  const records = entries.flatMap(([, [, batch]]) => (JSON.parse(batch!) as CaptureBatch).records);
  return { answers, records, said: JSON.stringify([answers, entries]) };
}

it('captures personal join keys masked and personal inputs not at all', async () => {
  const { answers, records, said } = await observe((predictor) =>
    predictor.predictMany(MODEL, [
      { requestId: 'by-entity', entity: { customer_id: EMAIL } },
      { requestId: 'by-features', features },
    ]),
  );
  expect(answers).toEqual([expect.objectContaining({ ok: true }), expect.objectContaining({ ok: true })]);
  expect(records).toEqual([
    expect.objectContaining({
      entity: JSON.stringify({ customer_id: mask(EMAIL) }),
      features: [null, true, null],
    }),
    expect.objectContaining({ entity: null, features: [null, true, null] }),
  ]);
  expect(said).not.toMatch(/ana@example|4711|secret-plan/);
});

it('shows nothing personal in what is wrong with a request', async () => {
  const { answers, said } = await observe((predictor) =>
    predictor.predictMany(MODEL, [
      { requestId: 'a', entity: { customer_id: 'nobody@example.com' } },
      { requestId: 'b', entity: { customer_id: { email: EMAIL } } },
      { requestId: 'c', features: { ...features, tenure: '4711 days', auto_renew: 'perhaps' } },
      { requestId: 'd', features: { auto_renew: true, plan: ['secret-plan'] } },
      { requestId: 'e', features: { ...features, email: EMAIL } },
      { requestId: 'f', entity: EMAIL as never },
    ]),
  );
  const errors = answers.map((answer) => (answer.ok ? null : answer.error));
  expect(errors.map((error) => error?.code)).toEqual([
    'UnknownEntity',
    'InvalidInput',
    'InvalidFeatures',
    'InvalidFeatures',
    'InvalidFeatures',
    'InvalidInput',
  ]);
  expect(errors[0]!.message).toContain(mask('nobody@example.com'));
  expect(errors[2]!.fields).toEqual([
    expect.objectContaining({ field: 'tenure', found: mask('4711 days') }),
    expect.objectContaining({ field: 'auto_renew', found: '"perhaps"' }),
  ]);
  expect(errors[3]!.fields[0]).toMatchObject({ field: 'tenure', found: 'nothing' });
  expect(errors[4]!.fields).toEqual([expect.objectContaining({ field: 'email', found: mask(EMAIL) })]);
  expect(errors[5]!.fields).toEqual([expect.objectContaining({ field: 'entity', found: 'a string' })]);
  expect(said).not.toMatch(/@example|4711|secret-plan/);
});
