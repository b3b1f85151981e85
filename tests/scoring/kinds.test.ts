import { randomUUID } from 'node:crypto';
import { createScoringClient, type ScoringClient } from '../../client/scoring';
import { createMask } from '../../contracts/masking';
import type { GoldenRows, ModelDeclaration, ModelKind, SeriesGoldenRow } from '../../contracts/model';
import { inferenceWorkerKey, type InferenceWorkerRecord } from '../../contracts/release';
import type { ErrorBody, PredictResponse, TextPrediction } from '../../contracts/scoring';
import { createOnlineStore } from '../../platform/online-store';
import { fixtureJson, type Fixture } from '../support/artifact-fixtures';
import { storedCaptures } from './captures';
import { declarationOfText, goldenTexts as texts } from './declarations';
import { probeAll } from './probe';
import { createRig, declarationOf, register, release, type Rig, type Running } from './rig';

jest.setTimeout(180_000);

const TEXT = 'event-words';
const PRIVATE = 'private-words';
const NUMBER = 'house-price';
const SERIES = 'metric-watch';

function declarationOfKind(model: string, kind: ModelKind): ModelDeclaration {
  const declaration = declarationOf(model);
  if (kind === 'metric-anomaly') return { ...declaration, kind, views: [], inputs: [] };
  const [view] = declaration.views;
  const features = [
    { name: 'a', type: 'double' as const },
    { name: 'b', type: 'bool' as const },
  ];
  const inputs = (['number', 'boolean'] as const).map((type, index) => ({
    name: features[index]!.name,
    view: view!.name,
    feature: features[index]!.name,
    type,
  }));
  return { ...declaration, kind, views: [{ ...view!, features }], inputs };
}

describe('models of other kinds', () => {
  let rig: Rig;
  let worker: Running;
  let scoring: ScoringClient;

  type Answer = { status: number; body: Partial<PredictResponse> & { error?: ErrorBody } };
  const ask = async (model: string, body: unknown, requestId: string = randomUUID()): Promise<Answer> => {
    const response = await fetch(`${worker.url}/v1/predict/${model}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };

  beforeAll(async () => {
    rig = await createRig();
    const serve = async (declaration: ModelDeclaration, fixture: Fixture): Promise<void> => {
      const version = `${declaration.name}-v1.0.0`;
      await release(
        rig.store,
        declaration.name,
        1,
        await register(rig.store, declaration, version, undefined, fixture),
      );
    };
    const text = declarationOfText(TEXT, false);
    await serve(text, 'text');
    await serve(declarationOfText(PRIVATE, true), 'text');
    await serve(declarationOfKind(NUMBER, 'tabular-regressor'), 'regressor');
    await serve(declarationOfKind(SERIES, 'metric-anomaly'), 'series');
    const now = BigInt(Date.now()) * 1000n;
    await createOnlineStore(rig.redis, 'meridian').write(text.views[0]!, [
      { entity: { event_id: 'e1' }, eventTimestamp: now, createdTimestamp: now, values: [texts[1]!.text] },
    ]);
    worker = await rig.start('inference');
    scoring = createScoringClient({ client: rig.client });
  });
  afterAll(() => rig.close());

  it('answers a text with its class, over HTTP and through the queue alike', async () => {
    for (const { text, expected } of texts) {
      const { status, body } = await ask(TEXT, { features: { text } });
      expect(status).toBe(200);
      const { label, scores } = body.prediction as TextPrediction;
      Object.values(scores).forEach((score, index) => expect(score).toBeCloseTo(expected[index]!, 5));
      expect(scores[label]).toBe(Math.max(...Object.values(scores)));
      expect(body).toMatchObject({ model_version: `${TEXT}-v1.0.0`, latency_ms: expect.any(Number) });
    }
    const queued = await Promise.all(
      texts.map(({ text }) => scoring.predict<TextPrediction>(TEXT, { text })),
    );
    queued.forEach(({ prediction: { scores } }, row) =>
      Object.values(scores).forEach((score, index) =>
        expect(score).toBeCloseTo(texts[row]!.expected[index]!, 5),
      ),
    );
  });

  it('answers for an event whose text lies online', async () => {
    const { body } = await ask(TEXT, { entity: { event_id: 'e1' } });
    expect((body.prediction as TextPrediction).label).toBe('transfer_late');
  });

  it('reads the beginning of a text of 100 kB, and refuses a body that is too large', async () => {
    const long = await ask(TEXT, { features: { text: 'my card is lost '.repeat(6400) } });
    const short = await ask(TEXT, { features: { text: 'my card is lost '.repeat(64) } });
    expect(long.status).toBe(200);
    expect(long.body.prediction).toEqual(short.body.prediction);
    const tooLong = await ask(TEXT, { features: { text: 'x'.repeat(1024 * 1024) } });
    expect([tooLong.status, tooLong.body.error!.code]).toEqual([413, 'BodyTooLarge']);
    const queued = await scoring.predict(TEXT, { text: 'my card is lost '.repeat(6400) });
    expect(queued.prediction).toEqual(short.body.prediction);
    await expect(scoring.predict(TEXT, { text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
      code: 'BodyTooLarge',
    });
  });

  it('refuses what is no text, naming it, and leaves its neighbours unharmed', async () => {
    for (const features of [{ text: null }, { text: 7 }, {}, { text: 'a', more: 1 }]) {
      const { status, body } = await ask(TEXT, { features });
      expect([status, body.error!.code]).toEqual([422, 'InvalidFeatures']);
    }
    const [good, bad] = await scoring.predictMany(TEXT, [{ text: 'lost' }, { text: ['lost'] }]);
    expect(good).toMatchObject({ ok: true, prediction: { label: 'card_lost' } });
    expect(bad).toMatchObject({ ok: false, error: { code: 'InvalidFeatures', fields: [{ field: 'text' }] } });
  });

  it('shows nothing of a personal text in what it refuses', async () => {
    const { body } = await ask(PRIVATE, { features: { text: ['my secret'] } });
    expect(body.error!.fields).toMatchObject([
      { field: 'text', found: expect.stringMatching(/^•[0-9a-f]{8}$/) },
    ]);
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('answers a regressor with its number, both ways', async () => {
    const features = { a: 100, b: true };
    expect((await ask(NUMBER, { features })).body.prediction).toBe(298.5);
    expect((await scoring.predict<number>(NUMBER, features)).prediction).toBe(298.5);
  });

  it('refuses single requests for a model of series, both ways', async () => {
    const { status, body } = await ask(SERIES, { features: {} });
    expect([status, body.error!.code]).toEqual([400, 'InvalidInput']);
    expect(body.error!.message).toContain('scoreBatch');
    await expect(scoring.predict(SERIES, {})).rejects.toMatchObject({
      code: 'InvalidInput',
      fields: [{ field: 'model' }],
    });
  });

  it('lists the kind of each, and proves each by a probe', async () => {
    const listed = (await (await fetch(`${worker.url}/v1/models`)).json()) as {
      models: { name: string; kind: string }[];
    };
    expect(Object.fromEntries(listed.models.map(({ name, kind }) => [name, kind]))).toEqual({
      [TEXT]: 'text-classifier',
      [PRIVATE]: 'text-classifier',
      [NUMBER]: 'tabular-regressor',
      [SERIES]: 'metric-anomaly',
    });
    const [key] = await rig.redis.keys(inferenceWorkerKey('*'));
    const { probeQueue } = JSON.parse((await rig.redis.get(key!))!) as InferenceWorkerRecord;
    const [golden] = fixtureJson<GoldenRows<SeriesGoldenRow>>('series', 'golden.json').rows;
    const proved = await probeAll(rig, probeQueue, [TEXT, NUMBER, SERIES]);
    expect(proved.map(({ prediction }) => prediction)).toEqual([
      { label: 'card_lost', scores: expect.any(Object) },
      -2,
      { score: expect.closeTo(golden!.expected, 4), anomalous: false },
    ]);
  });

  it('captures each: the class with its probability, the number, the text cut, or masked where personal', async () => {
    await ask(TEXT, { features: { text: texts[0]!.text } }, 'a-text');
    await ask(TEXT, { features: { text: 'lost '.repeat(10_000) } }, 'long');
    await ask(PRIVATE, { features: { text: 'my secret' } }, 'private');
    await ask(NUMBER, { features: { a: 2, b: true } }, 'number');
    await worker.stop();
    const gateway = await rig.start('gateway');
    expect(await gateway.stop()).toBe(0);
    const captured = async (model: string, id: string) => {
      const rows = (await storedCaptures(rig.store, model)).filter((row) => row['request_id'] === id);
      expect(rows).toHaveLength(1);
      return rows[0]!;
    };
    expect(await captured(TEXT, 'a-text')).toMatchObject({
      predicted_label: 'card_lost',
      prediction: expect.closeTo(texts[0]!.expected[0]!, 5),
      text: texts[0]!.text,
    });
    expect(((await captured(TEXT, 'long'))['text'] as string).length).toBe(8192);
    const mask = createMask(rig.env['MERIDIAN_MASKING_KEY']!);
    expect(await captured(PRIVATE, 'private')).toMatchObject({ text: mask('my secret'), error: null });
    expect(await captured(NUMBER, 'number')).toMatchObject({
      prediction: 4.5,
      predicted_label: null,
      a: 2,
      b: true,
    });
    worker = await rig.start('inference');
  });
});
