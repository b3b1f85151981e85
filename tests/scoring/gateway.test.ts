import { randomUUID } from 'node:crypto';
import { publishFeatureView } from '../../client/feature-views';
import {
  CAPTURE_FIELD,
  CAPTURE_STREAM,
  type CaptureBatch,
  type CaptureInput,
  type CaptureRecord,
} from '../../contracts/capture';
import { FEAST_PROJECT } from '../../contracts/ids';
import type { FeatureValue, FeatureView } from '../../contracts/model';
import { createLog } from '../../platform/log';
import { createOnlineStore } from '../../platform/online-store';
import type { ObjectStore } from '../../platform/s3';
import { createCaptureDrainer } from '../../workers/gateway/capture-drainer';
import { createCaptureStream } from '../../workers/gateway/capture-stream';
import { createLease } from '../../workers/gateway/lease';
import { storedCaptures } from './captures';
import { createRig, declarationOf, register, release, until, type Rig, type Running } from './rig';

jest.setTimeout(180_000);

const MODEL = 'renewal';

describe('captured predictions', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig();
    const version = await register(rig.store, declarationOf(MODEL), `${MODEL}-v1.0.0`);
    const shadow = await register(rig.store, declarationOf(MODEL), `${MODEL}-v1.1.0`);
    await release(rig.store, MODEL, 1, version, [{ ...shadow, mode: 'shadow', weight: 0 }]);
  });
  afterAll(() => rig.close());

  /** Batches as an inference worker would send them; the request IDs in them. */
  async function capture(model: string, entries: number, rows: number): Promise<string[]> {
    const ids: string[] = [];
    const pipeline = rig.redis.pipeline();
    for (let entry = 0; entry < entries; entry += 1) {
      const batch: CaptureBatch = { model, inputs: [{ name: 'version', type: 'number' }], records: [] };
      for (let row = 0; row < rows; row += 1) {
        const request_id = randomUUID();
        ids.push(request_id);
        batch.records.push({
          request_id,
          // Across an hour's end, so that a range makes several files.
          time: Date.UTC(2026, 10, 20, 23, 59, 59, 900) + entry * 10,
          version: `${model}-v1.0.0`,
          variant: 'live',
          generation: 1,
          entity: null,
          features: [row],
          prediction: 0.5,
          latency_ms: 1,
          error: null,
        });
      }
      pipeline.xadd(CAPTURE_STREAM, '*', CAPTURE_FIELD, JSON.stringify(batch));
    }
    await pipeline.exec();
    return ids;
  }

  const drainerOf = (store: Pick<ObjectStore, 'create'>) =>
    createCaptureDrainer({
      stream: createCaptureStream(rig.redis),
      store,
      lease: createLease(rig.redis, `lease-${randomUUID()}`, 10_000),
      log: createLog('test'),
      maxEntries: 10,
    });

  const idsStored = async (model: string): Promise<string[]> =>
    (await storedCaptures(rig.store, model)).map((row) => String(row['request_id'])).sort();

  it('have a row each, failures and shadows too, with a column a feature', async () => {
    const worker: Running = await rig.start('inference');
    const ask = (body: unknown) =>
      fetch(`${worker.url}/v1/predict/${MODEL}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': `r-${JSON.stringify(body).length}` },
        body: JSON.stringify(body),
      });
    await ask({ features: { tenure: 12.5, auto_renew: true, plan: 'plus' } });
    await ask({ features: { tenure: 'long', auto_renew: true, plan: 'plus' } });
    await ask({ entity: { customer_id: 'nobody' } });
    await worker.stop();
    const gateway = await rig.start('gateway');
    const page = await (await fetch(gateway.url)).text();
    expect(page).toContain(`${MODEL}-v1.0.0`);
    expect(await gateway.stop()).toBe(0);

    const rows = await storedCaptures(rig.store, MODEL);
    const brief = rows.map(({ variant, error, tenure, auto_renew, plan, entity }) => ({
      variant,
      error,
      tenure,
      auto_renew,
      plan,
      entity,
    }));
    const answered = { error: null, tenure: 12.5, auto_renew: true, plan: 'plus', entity: null };
    const nothing = { tenure: null, auto_renew: null, plan: null };
    expect(brief).toEqual(
      expect.arrayContaining([
        { variant: 'live', ...answered },
        { variant: 'shadow', ...answered },
        { variant: 'live', error: 'InvalidFeatures', ...nothing, entity: null },
        { variant: 'live', error: 'UnknownEntity', ...nothing, entity: '{"customer_id":"nobody"}' },
      ]),
    );
    expect(rows).toHaveLength(6);
    const [first] = rows;
    expect(first).toMatchObject({ model: MODEL, generation: 1, time: expect.any(Date) });
    expect(Math.abs(Date.now() - (first!['time'] as Date).getTime())).toBeLessThan(120_000);
    expect(first!['file']).toMatch(
      /^predictions\/renewal\/dt=\d{4}-\d\d-\d\d\/hour=\d\d\/\d+-\d+-\d+-\d+-[0-9a-f]{8}\.parquet$/,
    );
  });

  it('lie in S3 exactly once, wherever the drainer is killed', async () => {
    // Each drainer dies at its n-th write: before it, or after it and before anything is acknowledged.
    for (const dies of ['before', 'after'] as const) {
      for (let nth = 1; nth <= 4; nth += 1) {
        const model = `killed-${dies}-${nth}`;
        const ids = await capture(model, 25, 4);
        let writes = 0;
        const dying = drainerOf({
          async create(key, body) {
            writes += 1;
            if (writes > nth || (writes === nth && dies === 'before')) throw new Error('killed');
            const created = await rig.store.create(key, body);
            if (writes === nth) throw new Error('killed');
            return created;
          },
        });
        await dying.stop();
        await drainerOf(rig.store).stop();
        expect(await idsStored(model)).toEqual(ids.sort());
      }
    }
    expect(await rig.redis.xlen(CAPTURE_STREAM)).toBe(0);
  });

  it('lie in S3 exactly once where two drainers work at the same time', async () => {
    const ids = await capture('contended', 60, 5);
    await Promise.all([drainerOf(rig.store).stop(), drainerOf(rig.store).stop()]);
    expect(await idsStored('contended')).toEqual(ids.sort());
  });

  it('lie in S3 exactly once after a gateway is killed while it drains', async () => {
    const ids = await capture('sigkilled', 3_000, 20);
    const gateway = await rig.start('gateway');
    await until('the first file', async () => (await rig.store.list('predictions/sigkilled/')).length > 0);
    await gateway.stop('SIGKILL');
    expect(await rig.redis.xlen(CAPTURE_STREAM)).toBeGreaterThan(0);
    const next = await rig.start('gateway');
    await until('the stream to be empty', async () => (await rig.redis.xlen(CAPTURE_STREAM)) === 0, 90_000);
    expect(await next.stop()).toBe(0);
    expect(await idsStored('sigkilled')).toEqual(ids.sort());
  });

  it('count a request once, however often it was captured', async () => {
    const ids = await capture('twice', 1, 3);
    const [[, fields]] = (await rig.redis.xrange(CAPTURE_STREAM, '-', '+')) as [[string, string[]]];
    await rig.redis.xadd(CAPTURE_STREAM, '*', CAPTURE_FIELD, fields[1]!);
    await drainerOf(rig.store).stop();
    expect(await idsStored('twice')).toEqual(ids.sort());
  });

  it('keep a feature whose name is a column of the record beside that column', async () => {
    const rows = await storedCaptures(rig.store, 'twice');
    expect(rows.map(({ version, feature_version }) => [version, feature_version])).toEqual([
      ['twice-v1.0.0', 0],
      ['twice-v1.0.0', 1],
      ['twice-v1.0.0', 2],
    ]);
  });

  it('are stored though two versions have a feature of different types', async () => {
    const ids: string[] = [];
    const pipeline = rig.redis.pipeline();
    for (const [type, value] of [
      ['number', 1.5],
      ['category', 'gold'],
      ['boolean', true],
    ] as const) {
      ids.push(randomUUID());
      const batch = batchOf('retyped', type, [recordOf(ids.at(-1)!, [value])]);
      pipeline.xadd(CAPTURE_STREAM, '*', CAPTURE_FIELD, JSON.stringify(batch));
    }
    await pipeline.exec();
    await drainerOf(rig.store).stop();
    const rows = await storedCaptures(rig.store, 'retyped');
    expect(rows.map((row) => String(row['request_id'])).sort()).toEqual(ids.sort());
    expect(new Set(rows.map(({ plan }) => plan))).toEqual(new Set([1.5, 'gold', true]));
  });

  it('are set aside where they fit no row, once, and nothing waits behind them', async () => {
    const good = randomUUID();
    const entries = [
      'no JSON',
      JSON.stringify({ model: 'spoilt', of: 'another shape' }),
      JSON.stringify(
        batchOf('spoilt', 'number', [
          recordOf('text', ['gold']),
          recordOf(good, [2]),
          recordOf('two', [1, 2]),
        ]),
      ),
      JSON.stringify(batchOf('spoilt', 'number', [{ ...recordOf('never', [1]), time: 9e15 }])),
    ];
    for (const entry of entries) await rig.redis.xadd(CAPTURE_STREAM, '*', CAPTURE_FIELD, entry);
    let writes = 0;
    const dying = drainerOf({
      async create(key, body) {
        const created = await rig.store.create(key, body);
        // After one of the set-aside files, before anything is acknowledged.
        if ((writes += 1) === 2) throw new Error('killed');
        return created;
      },
    });
    await dying.stop();
    const next = drainerOf(rig.store);
    await next.stop();
    expect(await rig.redis.xlen(CAPTURE_STREAM)).toBe(0);
    expect(await idsStored('spoilt')).toEqual([good]);
    expect(dying.counts().rejected + next.counts().rejected).toBeGreaterThanOrEqual(2);

    const asideOf = async (model: string): Promise<unknown[]> => {
      const objects = await rig.store.list(`predictions/${model}/rejected/`);
      const bodies = await Promise.all(
        objects.map(({ key }) => rig.store.getJson<{ record: unknown }[]>(key)),
      );
      return bodies.flat().map(({ record }) => record);
    };
    expect(await asideOf('spoilt')).toMatchObject([
      { request_id: 'text', features: ['gold'] },
      { request_id: 'two', features: [1, 2] },
      { request_id: 'never' },
    ]);
    expect(await asideOf('unknown')).toEqual(['no JSON', { model: 'spoilt', of: 'another shape' }]);
  });
});

describe('pushed features', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig();
  });
  afterAll(() => rig.close());

  it('are taken by the gateway for a view that is published so, and read back', async () => {
    const [view] = declarationOf(MODEL).views as [FeatureView];
    await publishFeatureView(rig.store, { ...view, push: true });
    const gateway = await rig.start('gateway');
    const entity = { customer_id: 'C1' };
    const values = Object.fromEntries(view.features.map(({ name }) => [name, null]));
    const response = await fetch(`${gateway.url}/v1/features/${view.name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        rows: [{ entity, event_timestamp: new Date().toISOString(), features: values }],
      }),
    });
    expect(await response.json()).toEqual({ view: view.name, written: 1, skipped: 0, refused: 0 });
    expect(await gateway.stop()).toBe(0);
    const answer = await createOnlineStore(rig.redis, FEAST_PROJECT).getOnlineFeatures({
      views: [view],
      features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
      entity,
    });
    expect(new Set(answer.map(({ status }) => status))).toEqual(new Set(['NULL_VALUE']));
  });
});

const recordOf = (request_id: string, features: FeatureValue[]): CaptureRecord => ({
  request_id,
  time: Date.UTC(2026, 10, 20, 12),
  version: 'v',
  variant: 'live',
  generation: 1,
  entity: null,
  features,
  prediction: 0.5,
  latency_ms: 1,
  error: null,
});

const batchOf = (model: string, type: CaptureInput['type'], records: CaptureRecord[]): CaptureBatch => ({
  model,
  inputs: [{ name: 'plan', type }],
  records,
});
