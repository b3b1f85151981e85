import { randomUUID } from 'node:crypto';
import { createScoringClient, type ScoringClient } from '../../client/scoring';
import { Key, WorkflowId } from '../../contracts/ids';
import { inferenceWorkerKey, type InferenceWorkerRecord } from '../../contracts/release';
import type { PredictResponse } from '../../contracts/scoring';
import { createOnlineStore } from '../../platform/online-store';
import { probe } from './probe';
import {
  createRig,
  declarationOf,
  declare,
  register,
  release,
  releaseFirst,
  replayAll,
  until,
  type Rig,
  type Running,
} from './rig';

jest.setTimeout(180_000);

const MODEL = 'renewal';

interface Answer {
  status: number;
  headers: Headers;
  body: Partial<PredictResponse<number>> & {
    error?: { code: string; message: string; fields: { field: string }[]; request_id: string };
  };
}

describe('the inference worker', () => {
  let rig: Rig;
  let worker: Running;
  let scoring: ScoringClient;
  const declaration = declarationOf(MODEL);

  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`${worker.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Answer['body'],
    };
  };
  const predictOverHttp = (body: unknown, headers?: Record<string, string>) =>
    post(`/v1/predict/${MODEL}`, body, headers);
  const serves = async (version: string): Promise<boolean> =>
    (await predictOverHttp({ features: rig.golden.rows[0]!.features })).body.model_version === version;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declaration);
    await createOnlineStore(rig.redis, 'meridian').write(declaration.views[0]!, [
      {
        entity: { customer_id: 'C000001' },
        eventTimestamp: BigInt(Date.now()) * 1000n,
        createdTimestamp: BigInt(Date.now()) * 1000n,
        values: [27.2, true, null],
      },
    ]);
    worker = await rig.start('inference');
    scoring = createScoringClient({ client: rig.client });
  });

  afterAll(async () => {
    const replayed = await replayAll(rig.client);
    await rig.close();
    expect(replayed).toBeGreaterThan(0);
  });

  it('gives the golden answers over HTTP and through the queue', async () => {
    const { rows, tolerance } = rig.golden;
    for (const { features, expected } of rows) {
      const { status, body } = await predictOverHttp({ features });
      expect(status).toBe(200);
      expect(Math.abs(body.prediction! - expected)).toBeLessThanOrEqual(tolerance);
      expect(body).toEqual({
        prediction: body.prediction,
        model_version: `${MODEL}-v1.0.0`,
        latency_ms: expect.any(Number),
      });
    }
    const answers = await Promise.all(rows.map(({ features }) => scoring.predict<number>(MODEL, features)));
    answers.forEach(({ prediction }, index) =>
      expect(Math.abs(prediction - rows[index]!.expected)).toBeLessThanOrEqual(tolerance),
    );
  });

  it('looks up the features of an entity, both ways', async () => {
    const entity = { customer_id: 'C000001' };
    const expected = rig.golden.rows[1]!.expected;
    const overHttp = await predictOverHttp({ entity });
    const throughQueue = await scoring.predict(MODEL, { entity });
    expect(overHttp.body.prediction).toBeCloseTo(expected, 5);
    expect(throughQueue.prediction).toBe(overHttp.body.prediction);
  });

  it('answers the workflow predict, and fails it with the code and fields of the error', async () => {
    const run = (input: unknown) =>
      rig.client.workflow.execute('predict', {
        taskQueue: 'scoring',
        workflowId: randomUUID(),
        args: [input],
      }) as Promise<PredictResponse>;
    const { features, expected } = rig.golden.rows[0]!;
    expect((await run({ model: MODEL, features })).prediction).toBeCloseTo(expected, 5);
    await expect(run({ model: MODEL, features: { ...features, tenure: 'long' } })).rejects.toMatchObject({
      cause: { type: 'InvalidFeatures', nonRetryable: true, details: [[{ field: 'tenure' }]] },
    });
    await expect(run({ modle: MODEL })).rejects.toMatchObject({
      cause: {
        type: 'InvalidInput',
        details: [expect.arrayContaining([expect.objectContaining({ field: 'modle' })])],
      },
    });
  });

  const good = { tenure: 12, auto_renew: true, plan: 'plus' };
  const bad: [name: string, body: Record<string, unknown>, code: string, status: number, fields: string[]][] =
    [
      [
        'a missing feature',
        { features: { tenure: 1, plan: 'plus' } },
        'InvalidFeatures',
        422,
        ['auto_renew'],
      ],
      ['an unknown feature', { features: { ...good, colour: 'red' } }, 'InvalidFeatures', 422, ['colour']],
      [
        'two wrong types',
        { features: { tenure: 'x', auto_renew: 1, plan: 'plus' } },
        'InvalidFeatures',
        422,
        ['tenure', 'auto_renew'],
      ],
      ['features that are a list', { features: [1, 2] }, 'InvalidInput', 400, ['features']],
      ['an unknown entity', { entity: { customer_id: 'nobody' } }, 'UnknownEntity', 404, ['entity']],
      ['an unknown join key', { entity: { account: 'C000001' } }, 'InvalidInput', 400, ['entity.account']],
    ];

  it.each(bad)('refuses %s over HTTP', async (_name, body, code, status, fields) => {
    const answer = await predictOverHttp(body, { 'x-request-id': 'mine-1' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    expect(answer.body.error).toMatchObject({ code, request_id: 'mine-1' });
    expect(answer.body.error!.fields.map(({ field }) => field)).toEqual(fields);
  });

  it.each(bad.filter(([, body]) => !Array.isArray(body['features'])))(
    'refuses %s through the queue, and leaves its neighbours unharmed',
    async (_name, body, code, _status, fields) => {
      const subject = (body['features'] ?? body) as Record<string, unknown>;
      const [before, wrong, after] = await scoring.predictMany(MODEL, [good, subject, good]);
      expect(before).toMatchObject({ ok: true });
      expect(after).toMatchObject({ ok: true });
      expect(wrong).toMatchObject({ ok: false, error: { code } });
      expect(wrong!.ok ? [] : wrong!.error.fields.map(({ field }) => field)).toEqual(fields);
    },
  );

  it('refuses NaN through the queue, which JSON would make a missing value', async () => {
    await expect(scoring.predict(MODEL, { ...good, tenure: NaN })).rejects.toMatchObject({
      code: 'InvalidFeatures',
      fields: [{ field: 'tenure' }],
    });
  });

  it.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
    ['malformed JSON', '{"features": ', {}, 400, 'MalformedJson'],
    ['NaN', '{"features": {"tenure": NaN}}', {}, 400, 'MalformedJson'],
    ['an empty body', '', {}, 400, 'MalformedJson'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), {}, 400, 'MalformedJson'],
    ['an array', '[]', {}, 400, 'InvalidInput'],
    ['neither features nor entity', '{}', {}, 400, 'InvalidInput'],
    ['both', '{"features": {}, "entity": {}}', {}, 400, 'InvalidInput'],
    ['an unknown field', '{"features": {}, "__proto__": {}}', {}, 400, 'InvalidInput'],
    [
      'infinity',
      '{"features": {"tenure": 1e999, "auto_renew": true, "plan": "plus"}}',
      {},
      422,
      'InvalidFeatures',
    ],
    ['__proto__ as a feature', '{"features": {"__proto__": 1}}', {}, 422, 'InvalidFeatures'],
    [
      'deep JSON',
      `{"features": {"tenure": ${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
      {},
      422,
      'InvalidFeatures',
    ],
    ['a wrong content type', '{}', { 'content-type': 'text/plain' }, 415, 'UnsupportedMediaType'],
    ['too large a body', `{"features": "${'x'.repeat(1024 * 1024)}"}`, {}, 413, 'BodyTooLarge'],
    ['too long a request ID', '{}', { 'x-request-id': 'x'.repeat(201) }, 400, 'InvalidInput'],
  ])('refuses %s', async (_name, body, headers, status, code) => {
    const answer = await predictOverHttp(body, headers);
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  });

  it('knows its routes, methods and models', async () => {
    expect((await post('/v1/nothing', {})).body.error!.code).toBe('RouteNotFound');
    expect((await post('/v1/predict/no-such', { features: {} })).body.error!.code).toBe('UnknownModel');
    await expect(scoring.predict('no-such', {})).rejects.toMatchObject({ code: 'UnknownModel' });
    await expect(scoring.predict('No Such', {})).rejects.toMatchObject({ code: 'UnknownModel' });
    const response = await fetch(`${worker.url}/v1/predict/${MODEL}`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);

    await declare(rig.store, declarationOf('not-yet'));
    await post('/admin/reload-models', {});
    const notReady = await post('/v1/predict/not-yet', { features: {} });
    expect([notReady.status, notReady.body.error!.code]).toEqual([409, 'ModelNotReady']);
    await expect(scoring.predict('not-yet', {})).rejects.toMatchObject({ code: 'ModelNotReady' });
  });

  it('answers a request ID alike, however often it is asked', async () => {
    const options = { requestId: randomUUID() };
    const first = await scoring.predict(MODEL, good, options);
    expect(await scoring.predict(MODEL, good, options)).toEqual(first);
  });

  it('loses no call when a scorer starts anew, and remembers its answers', async () => {
    const createClient = () => createScoringClient({ client: rig.client, shards: 1, maxRows: 1 });
    const alone = createClient();
    const others = Array.from({ length: 4 }, createClient);
    const scorer = rig.client.workflow.getHandle(WorkflowId.scorer(MODEL, 0));
    await alone.predict(MODEL, good);
    const before = (await scorer.describe()).runId;
    // As many as this come one after the other: each waits for those before it.
    const timeoutMs = 60_000;
    const calls = Promise.all(
      others.flatMap((client) =>
        Array.from({ length: 15 }, () => client.predict(MODEL, good, { timeoutMs })),
      ),
    );
    const options = { requestId: randomUUID(), timeoutMs };
    const first = await alone.predict(MODEL, good, options);
    await calls;
    expect((await scorer.describe()).runId).not.toBe(before);
    expect(await alone.predict(MODEL, good, options)).toEqual(first);
  });

  it('keeps the old version where the new artifact is bad, and says why', async () => {
    const spoiled = await register(rig.store, declaration, `${MODEL}-v1.1.0`, (file, body) =>
      file === 'model.onnx' ? body.subarray(1) : body,
    );
    await release(rig.store, MODEL, 2, spoiled);
    const answer = await post('/admin/reload-models', {});
    const { [MODEL]: status } = (
      answer.body as unknown as { models: Record<string, { generation: number; problem: string }> }
    ).models;
    expect(status).toMatchObject({ generation: 1, problem: expect.stringContaining('model.onnx') });
    expect(await serves(`${MODEL}-v1.0.0`)).toBe(true);
    const fresh = await rig.start('inference');
    const models = (await (await fetch(`${fresh.url}/v1/models`)).json()) as {
      models: { production: string }[];
    };
    expect(models.models.map(({ production }) => production)).toEqual([`${MODEL}-v1.0.0`]);
    expect(await fresh.stop()).toBe(0);
  });

  it('serves a new release without being asked, and at once when asked; its record and its probe say so', async () => {
    await release(rig.store, MODEL, 3, await register(rig.store, declaration, `${MODEL}-v1.2.0`));
    await until('generation 3', () => serves(`${MODEL}-v1.2.0`));
    await release(rig.store, MODEL, 4, await register(rig.store, declaration, `${MODEL}-v1.3.0`));
    const answer = await post('/admin/reload-models', {});
    expect(answer.body).toMatchObject({ models: { [MODEL]: { generation: 4, problem: null } } });
    expect(await serves(`${MODEL}-v1.3.0`)).toBe(true);

    const keys = await rig.redis.keys(inferenceWorkerKey('*'));
    expect(keys).toHaveLength(1);
    const record = JSON.parse((await rig.redis.get(keys[0]!))!) as InferenceWorkerRecord;
    expect(record).toMatchObject({ address: worker.url, models: { [MODEL]: { generation: 4 } } });
    const probed = await probe(rig, record.probeQueue, MODEL);
    expect(probed).toMatchObject({ workerId: record.id, generation: 4, version: `${MODEL}-v1.3.0` });
    expect(probed.prediction).toBeCloseTo(rig.golden.rows[0]!.expected, 5);
  });

  it('loses no call of the queue when one of two workers is killed', async () => {
    const other = await rig.start('inference');
    const calls: Promise<PredictResponse>[] = [];
    const call = () => calls.push(scoring.predict(MODEL, good, { timeoutMs: 20_000 }));
    const caller = setInterval(call, 20);
    await until('some calls', async () => calls.length > 50);
    await worker.stop('SIGKILL');
    await until('more calls', async () => calls.length > 150);
    clearInterval(caller);
    const versions = new Set((await Promise.all(calls)).map(({ model_version }) => model_version));
    expect([...versions]).toEqual([`${MODEL}-v1.3.0`]);
    worker = other;
  });

  it('ends gracefully, and takes its record away', async () => {
    expect(await worker.stop()).toBe(0);
    const records = await rig.redis.keys(inferenceWorkerKey('*'));
    const ids = await Promise.all(
      records.map(async (key) => JSON.parse((await rig.redis.get(key)) ?? '{}').address as string),
    );
    expect(ids).not.toContain(worker.url);
    worker = await rig.start('inference');
    expect(await rig.store.head(Key.releasePointer(MODEL))).not.toBeNull();
  });
});
