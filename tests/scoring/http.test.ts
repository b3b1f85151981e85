import { CAPTURE_STREAM, type CaptureBatch } from '../../contracts/capture';
import { Key } from '../../contracts/ids';
import type { StagingPointer } from '../../contracts/release';
import type { ErrorBody, PredictResponse } from '../../contracts/scoring';
import { createCaller, type Caller } from './callers';
import { createRig, declarationOf, register, releaseFirst, until, type Rig } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const FIRST = 'not-released';

interface Batch {
  predictions: (Partial<PredictResponse<number>> & { error?: ErrorBody })[];
  model_version: string;
  latency_ms: number;
  error?: ErrorBody;
}

describe('predictions over HTTP', () => {
  let rig: Rig;
  let caller: Caller;
  const declaration = declarationOf(MODEL);

  const post = <Body>(path: string, body: unknown, headers?: Record<string, string>) =>
    caller.post<Body & { error?: ErrorBody }>(path, body, headers);
  const predict = (body: unknown, { query = '', model = MODEL, headers = {} } = {}) =>
    post<PredictResponse<number>>(`/v1/predict/${model}${query}`, body, headers);
  const predictBatch = (instances: unknown, query = '', model = MODEL) =>
    post<Batch>(`/v1/predict/${model}${query}`, { instances }, { 'x-request-id': 'batch-1' });
  const stage = (model: string, pointer: StagingPointer) =>
    rig.store.put(Key.stagingPointer(model), JSON.stringify(pointer));

  /** "<generation> <version>" of what was captured of the version in Staging. */
  const capturedVersions = async (): Promise<Set<string>> => {
    const entries = await rig.redis.xrange(CAPTURE_STREAM, '-', '+');
    const records = entries.flatMap(([, [, batch]]) => (JSON.parse(batch!) as CaptureBatch).records);
    const staged = records.filter(({ variant }) => variant === 'staging');
    return new Set(staged.map(({ generation, version }) => `${generation} ${version}`));
  };
  const good = { tenure: 12, auto_renew: true, plan: 'plus' };

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declaration);
    await stage(FIRST, {
      staged: await register(rig.store, declarationOf(FIRST), `${FIRST}-v1.0.0`),
    });
    caller = await createCaller((await rig.start('inference')).url);
  });
  afterAll(() => rig.close());

  describe('in batches', () => {
    it('answers each row in its place, with an error of its own where it has one', async () => {
      const { rows, tolerance } = rig.golden;
      const { status, body } = await predictBatch([
        { features: rows[0]!.features },
        { features: { ...good, tenure: 'long' } },
        { entity: { customer_id: 'nobody' } },
        {},
        { features: rows[1]!.features },
      ]);
      expect(status).toBe(200);
      expect(body).toMatchObject({ model_version: `${MODEL}-v1.0.0`, latency_ms: expect.any(Number) });
      const [first, wrong, unknown, empty, last] = body.predictions;
      expect(Math.abs(first!.prediction! - rows[0]!.expected)).toBeLessThanOrEqual(tolerance);
      expect(Math.abs(last!.prediction! - rows[1]!.expected)).toBeLessThanOrEqual(tolerance);
      expect(first!.model_version).toBe(`${MODEL}-v1.0.0`);
      expect(wrong!.error).toMatchObject({
        code: 'InvalidFeatures',
        request_id: 'batch-1:1',
        fields: [{ field: 'tenure' }],
      });
      expect(unknown!.error!.code).toBe('UnknownEntity');
      expect(empty!.error!.code).toBe('InvalidInput');
    });

    it('takes a thousand rows, and refuses more', async () => {
      const full = await predictBatch(Array.from({ length: 1000 }, () => ({ features: good })));
      expect(full.body.predictions).toHaveLength(1000);
      expect(new Set(full.body.predictions.map(({ prediction }) => prediction)).size).toBe(1);
      const { status, body } = await predictBatch(Array.from({ length: 10_000 }, () => ({ features: {} })));
      expect([status, body.error!.code, body.error!.fields[0]!.found]).toEqual([
        400,
        'InvalidInput',
        '10000 rows',
      ]);
    });

    it.each<[string, unknown, string]>([
      ['no list', { a: 1 }, 'instances'],
      ['no rows', [], 'instances'],
      ['a row that is none', [{ features: good }, 7], 'instances.1'],
      ['another field in a row', [{ features: good, tenure: 1 }], 'instances.0.tenure'],
    ])('refuses %s as a whole', async (_name, instances, field) => {
      const { status, body } = await predictBatch(instances);
      expect([status, body.error!.code, body.error!.fields[0]!.field]).toEqual([400, 'InvalidInput', field]);
    });

    it('refuses instances beside features, and a model that is not there, as a whole', async () => {
      expect((await predict({ instances: [], features: good })).body.error!.fields[0]!.field).toBe(
        'features',
      );
      const { status, body } = await predictBatch([{ features: good }], '', 'no-such');
      expect([status, body.error!.code, body.error!.request_id]).toEqual([404, 'UnknownModel', 'batch-1']);
    });
  });

  describe('within a deadline', () => {
    it('answers in time', async () => {
      expect((await predict({ features: good }, { headers: { 'x-timeout-ms': '5000' } })).status).toBe(200);
    });

    it.each(['0', '-1', '1.5', 'soon', '600001', ''])('refuses %p', async (timeout) => {
      const { status, body } = await predict({ features: good }, { headers: { 'x-timeout-ms': timeout } });
      expect([status, body.error!.code, body.error!.fields[0]!.field]).toEqual([
        400,
        'InvalidInput',
        'x-timeout-ms',
      ]);
    });

    it('says so when the deadline passes while Redis does not answer, and answers again after', async () => {
      const entity = { customer_id: 'nobody' };
      await rig.redis.call('CLIENT', 'PAUSE', '3000');
      const late = await predict({ entity }, { headers: { 'x-timeout-ms': '200' } });
      expect([late.status, late.body.error!.code]).toEqual([504, 'DeadlineExceeded']);
      const batch = await post<Batch>(
        `/v1/predict/${MODEL}`,
        { instances: [{ entity }, { entity }] },
        { 'x-timeout-ms': '200' },
      );
      expect([batch.status, batch.body.error!.code]).toEqual([504, 'DeadlineExceeded']);
      expect((await predict({ entity })).body.error!.code).toBe('UnknownEntity');
    });
  });

  describe('of the version in Staging', () => {
    const staging = '?stage=staging';

    it('says where there is none, and of what model there cannot be one', async () => {
      const none = await predict({ features: good }, { query: staging });
      expect([none.status, none.body.error!.code]).toEqual([409, 'ModelNotReady']);
      const unknown = await predict({ features: good }, { query: staging, model: 'no-such' });
      expect([unknown.status, unknown.body.error!.code]).toEqual([404, 'UnknownModel']);
    });

    it('answers beside what serves, also where nothing serves yet, and captures it as such', async () => {
      const first = await predict({ features: good }, { query: staging, model: FIRST });
      expect([first.status, first.body.model_version]).toEqual([200, `${FIRST}-v1.0.0`]);
      expect((await predict({ features: good }, { model: FIRST })).body.error!.code).toBe('ModelNotReady');

      await stage(MODEL, { staged: await register(rig.store, declaration, `${MODEL}-v1.1.0`) });
      const asked = async (): Promise<string | undefined> =>
        (await predict({ features: good }, { query: staging })).body.model_version;
      await until('v1.1.0 in Staging', async () => (await asked()) === `${MODEL}-v1.1.0`);
      expect((await predict({ features: good })).body.model_version).toBe(`${MODEL}-v1.0.0`);
      const batch = await predictBatch([{ features: good }], staging);
      expect(batch.body).toMatchObject({
        predictions: [{ model_version: `${MODEL}-v1.1.0` }],
        model_version: `${MODEL}-v1.1.0`,
      });

      await stage(MODEL, { staged: await register(rig.store, declaration, `${MODEL}-v1.2.0`) });
      await until('v1.2.0 in Staging', async () => (await asked()) === `${MODEL}-v1.2.0`);
      await until('its capture', async () => (await capturedVersions()).has(`null ${MODEL}-v1.2.0`));
      await stage(MODEL, { staged: null });
      await until('nothing in Staging', async () => (await asked()) === undefined);
    });

    it('refuses a version that is spoiled, and lives on', async () => {
      const spoiled = await register(rig.store, declaration, `${MODEL}-v1.3.0`, (file, body) =>
        file === 'model.onnx' ? body.subarray(1) : body,
      );
      await stage(MODEL, { staged: spoiled });
      const answer = async () => (await predict({ features: good }, { query: staging })).body.error;
      await until('the refusal', async () => (await answer())?.message.includes('model.onnx') ?? false);
      expect((await answer())!.code).toBe('ModelNotReady');
      expect((await predict({ features: good })).status).toBe(200);
    });
  });

  it.each(['?verbose=1', '?stage=development', '?stage=staging&stage=staging', '?explain=yes', '?=1'])(
    'refuses the query %s',
    async (query) => {
      const { status, body } = await predict({ features: good }, { query });
      expect([status, body.error!.code]).toEqual([400, 'InvalidInput']);
    },
  );

  it('refuses to explain what it cannot, by row in a batch', async () => {
    const alone = await predict({ features: good }, { query: '?explain=true' });
    expect([alone.body.error!.code, alone.body.error!.fields[0]!.field]).toEqual(['InvalidInput', 'explain']);
    const { body } = await predictBatch([{ features: good }], '?explain=true');
    expect(body.predictions[0]!.error!.code).toBe('InvalidInput');
  });

  it('asks for what serves where the query says so', async () => {
    const { body } = await predict({ features: good }, { query: '?stage=production&explain=false' });
    expect(Object.keys(body)).toEqual(['prediction', 'model_version', 'latency_ms']);
  });

  it('shows bounds and memory of each model', async () => {
    const { models } = (await caller.get<{ models: object[] }>('/v1/models')).body;
    expect(models).toHaveLength(1);
    const graph = await rig.store.get(`${Key.version(MODEL, `${MODEL}-v1.0.0`)}model.onnx`);
    expect(models[0]).toMatchObject({
      name: MODEL,
      generation: 1,
      limits: { maxBatch: 64, maxWaiting: 2000, maxWaitMs: 1000 },
      memory: { graphBytes: graph.length, rssGrowthBytes: expect.any(Number) },
    });
  });
});
