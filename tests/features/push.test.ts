import { publishFeatureView } from '../../client/feature-views';
import type { FeatureView } from '../../contracts/model';
import type { ErrorBody } from '../../contracts/scoring';
import { createJobEvents } from '../../platform/job-events';
import { createLog } from '../../platform/log';
import { createOnlineStore, type OnlineStore } from '../../platform/online-store';
import type { Telemetry } from '../../platform/telemetry';
import { createVersionFinder } from '../../workers/gateway/published-views';
import { createPush, type PushAnswer } from '../../workers/gateway/push';
import { createRoutes } from '../../workers/gateway/http-routes';
import { createTrainingEvents } from '../../workers/gateway/training-events';
import { startHttpServer, type HttpServer } from '../../workers/http/server';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const NOW = Date.parse('2026-11-20T12:00:00Z');
const session: FeatureView = {
  name: 'session',
  version: 1,
  description: 'What a customer does just now.',
  owner: 'tests',
  entity: {
    name: 'visit',
    joinKeys: [
      { name: 'customer_id', type: 'string' },
      { name: 'store_id', type: 'int64' },
    ],
  },
  ttlSeconds: 3600,
  features: [
    { name: 'seconds', type: 'double', checks: { min: 0 } },
    { name: 'clicks', type: 'int64' },
    { name: 'page', type: 'string', checks: { categories: ['home', 'plans'] } },
    { name: 'email', type: 'string', personal: true, checks: { categories: ['none'] } },
  ],
  sources: [],
  transformation: null,
  push: true,
};
const entity = { customer_id: 'C1', store_id: 7 };
const features = { seconds: 1.5, clicks: 3, page: 'home', email: null };
const row = { entity, event_timestamp: '2026-11-20T11:59:59.123456Z', features };

let stage: Stage;
let server: HttpServer;
let online: OnlineStore;
const counted: [string, number, Record<string, string>][] = [];

beforeAll(async () => {
  stage = await setStage();
  online = createOnlineStore(stage.redis, 'meridian', () => NOW);
  const telemetry: Pick<Telemetry, 'count'> = { count: (...call) => void counted.push(call) };
  const push = createPush({
    findVersions: createVersionFinder(stage.store),
    online,
    telemetry,
    now: () => NOW,
  });
  const drainer = { counts: () => ({ files: 0, predictions: 0, rejected: 0, trouble: null }) };
  const overview = () => Promise.resolve({ models: [], workers: [], links: [] });
  server = await startHttpServer(
    createRoutes({
      drainer,
      overview,
      push,
      trainingEvents: createTrainingEvents(createJobEvents(stage.redis)),
    }),
    { host: '127.0.0.1', port: 0 },
    createLog('test'),
  );
  await publishFeatureView(stage.store, session);
  await publishFeatureView(stage.store, { ...session, name: 'closed', ttlSeconds: 0, push: false });
});
afterAll(async () => {
  await server?.close();
  await stage?.tearDown();
});
beforeEach(async () => {
  counted.length = 0;
  await stage.redis.flushall();
});

type Answer = Partial<PushAnswer> & { error: ErrorBody };

async function post(body: string, view = 'session'): Promise<{ status: number; answer: Answer }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}/v1/features/${view}`, { method: 'POST', headers, body });
  return { status: response.status, answer: (await response.json()) as Answer };
}
const push = (rows: unknown, view?: string) => post(JSON.stringify({ rows }), view);

const read = async (of: Record<string, unknown> = entity) =>
  online.getOnlineFeatures({
    views: [session],
    features: session.features.map(({ name }) => ({ view: 'session', feature: name })),
    entity: of,
  });
const standing = async () => (await read()).map(({ value }) => value);

it('writes what is pushed, to be read at once', async () => {
  expect(await push([row])).toEqual({
    status: 200,
    answer: { view: 'session', written: 1, skipped: 0, refused: 0 },
  });
  const answer = await read();
  expect(answer.map(({ status, value }) => [status, value])).toEqual([
    ['PRESENT', 1.5],
    ['PRESENT', 3],
    ['PRESENT', 'home'],
    ['NULL_VALUE', null],
  ]);
  expect(answer[0]!.eventTimestamp).toBe(BigInt(NOW) * 1000n - 876_544n);
});

it('lets the newest row win, however the rows come, and counts what became of them', async () => {
  const at = (event_timestamp: string, clicks: number) => ({
    ...row,
    event_timestamp,
    features: { ...features, clicks },
  });
  // The same hour twice, on both sides of the clock change: an hour apart.
  const before = '2026-11-01T01:30:00-07:00';
  const after = '2026-11-01T01:30:00-08:00';
  const first = await push([at(after, 2), at(before, 1)]);
  expect(first.answer).toMatchObject({ written: 1, skipped: 1 });
  expect((await push([at(after, 2)])).answer).toMatchObject({ written: 0, skipped: 1 });
  const [, clicks] = await read();
  expect(clicks!.eventTimestamp).toBe(BigInt(Date.parse('2026-11-01T09:30:00Z')) * 1000n);
  expect(counted).toEqual([
    ['feature.pushed', 1, { view: 'session', outcome: 'written' }],
    ['feature.pushed', 1, { view: 'session', outcome: 'skipped' }],
    ['feature.pushed', 1, { view: 'session', outcome: 'skipped' }],
  ]);
});

it('takes a correction of the same event by its created time', async () => {
  const created = (created_timestamp: string, clicks: number) => [
    { ...row, created_timestamp, features: { ...features, clicks } },
  ];
  await push(created('2026-11-20T11:00:00Z', 1));
  await push(created('2026-11-20T11:00:01Z', 2));
  await push(created('2026-11-20T10:00:00Z', 3));
  expect((await standing())[1]).toBe(2);
});

it('refuses rows of those who have opted out, and writes the others', async () => {
  await online.forget(session.entity.joinKeys, [entity]);
  const other = { customer_id: 'C2', store_id: '7' };
  expect((await push([row, { ...row, entity: other }])).answer).toEqual({
    view: 'session',
    written: 1,
    skipped: 0,
    refused: 1,
  });
  expect((await read()).map(({ status }) => status)).toEqual(Array(4).fill('NOT_FOUND'));
  expect((await read(other))[0]).toMatchObject({ status: 'PRESENT' });
});

it('keeps values exact: -0, and integers beyond 2^53 as text', async () => {
  const json = JSON.stringify({ rows: [{ ...row, features: { ...features, clicks: '-9007199254740993' } }] });
  expect((await post(json.replace('1.5', '-0.0'))).status).toBe(200);
  expect(await standing()).toStrictEqual([-0, -9_007_199_254_740_993n, 'home', null]);
});

it('takes a thousand rows', async () => {
  const rows = Array.from({ length: 1000 }, (_, n) => ({
    ...row,
    entity: { customer_id: `C${n}`, store_id: n },
  }));
  expect((await push(rows)).answer).toMatchObject({ written: 1000 });
  expect((await push([...rows, row])).answer.error).toMatchObject({
    code: 'InvalidInput',
    fields: [{ field: 'rows' }],
  });
});

describe('refuses as a whole, naming where', () => {
  it.each<[problem: string, row: object, field: string, code?: string]>([
    ['an unknown feature', { features: { ...features, size: 1 } }, 'features.size'],
    ['a name of JavaScript', { features: { ...features, constructor: 1 } }, 'features.constructor'],
    ['a missing feature', { features: { seconds: 1.5, page: 'home', email: null } }, 'features.clicks'],
    ['a value of another type', { features: { ...features, clicks: 'three' } }, 'features.clicks'],
    ['an integer that is not exact', { features: { ...features, clicks: 2 ** 53 } }, 'features.clicks'],
    ['a value out of its range', { features: { ...features, seconds: -1 } }, 'features.seconds'],
    ['an unknown category', { features: { ...features, page: 'moon' } }, 'features.page'],
    ['a naive time', { event_timestamp: '2026-11-20T12:00:00' }, 'event_timestamp', 'InvalidInput'],
    ['a number for a time', { event_timestamp: 1_795_176_000 }, 'event_timestamp', 'InvalidInput'],
    [
      'a naive created time',
      { created_timestamp: '2026-11-20 12:00:00Z' },
      'created_timestamp',
      'InvalidInput',
    ],
    ['a day that is none', { event_timestamp: '2026-02-30T12:00:00Z' }, 'event_timestamp'],
    ['a time too far ahead', { event_timestamp: '2026-11-20T12:05:00.000001Z' }, 'event_timestamp'],
    ['a created time too far ahead', { created_timestamp: '2027-11-20T12:00:00Z' }, 'created_timestamp'],
    ['an entity of the wrong type', { entity: { ...entity, store_id: 'x' } }, 'entity.store_id'],
    ['a join key missing', { entity: { customer_id: 'C1' } }, 'entity.store_id'],
    ['an unknown join key', { entity: { ...entity, region: 1 } }, 'entity.region'],
    ['no entity', { entity: undefined }, 'entity', 'InvalidInput'],
    ['features that are a list', { features: [1] }, 'features', 'InvalidInput'],
    ['a field nobody knows', { ttl: 1 }, 'ttl', 'InvalidInput'],
  ])('%s', async (_, wrong, field, code = 'InvalidFeatures') => {
    const { status, answer } = await push([row, row, { ...row, ...wrong }]);
    expect(status).toBe(code === 'InvalidInput' ? 400 : 422);
    expect(answer.error).toMatchObject({ code, fields: [{ field: `rows[2].${field}` }] });
    expect(answer.error.message).toContain('Nothing was written');
    expect(await stage.redis.dbsize()).toBe(0);
  });

  it('an infinity that JSON can say', async () => {
    const { status, answer } = await post(JSON.stringify({ rows: [row] }).replace('1.5', '1e999'));
    expect(status).toBe(422);
    expect(answer.error.fields).toMatchObject([
      { field: 'rows[0].features.seconds', found: 'number Infinity' },
    ]);
  });

  it('NaN, which no JSON has', async () => {
    const { status, answer } = await post(JSON.stringify({ rows: [row] }).replace('1.5', 'NaN'));
    expect([status, answer.error.code]).toEqual([400, 'MalformedJson']);
  });

  it('every problem of every row at once, at most fifty of them, and no personal value', async () => {
    const wrong = {
      ...row,
      features: { seconds: null, clicks: true, page: 'moon', email: 'ana@example.com' },
    };
    const { answer } = await push(Array.from({ length: 100 }, () => wrong));
    expect(answer.error.fields).toHaveLength(50);
    expect(answer.error.message).toContain('and 250 more');
    expect(JSON.stringify(answer)).not.toContain('ana@example.com');
  });

  it('a push to a view that is not published, or takes none', async () => {
    expect(await push([row], 'nowhere')).toMatchObject({
      status: 400,
      answer: { error: { code: 'InvalidInput', fields: [{ field: 'view', found: '"nowhere"' }] } },
    });
    expect(await push([row], 'closed')).toMatchObject({
      status: 400,
      answer: {
        error: {
          code: 'InvalidInput',
          fields: [{ field: 'view', expected: expect.stringContaining('push') }],
        },
      },
    });
  });

  it('a body that is too large, or none', async () => {
    expect(await post(`{"rows": "${'x'.repeat(2 ** 20)}"}`)).toMatchObject({ status: 413 });
    expect(await post('')).toMatchObject({ status: 400, answer: { error: { code: 'MalformedJson' } } });
    expect(await push([])).toMatchObject({ status: 400, answer: { error: { fields: [{ field: 'rows' }] } } });
  });
});

it('writes a later version of the view under the name that the stores keep it by', async () => {
  const view: FeatureView = {
    ...session,
    name: 'versioned',
    version: 2,
    features: session.features.slice(0, 1),
  };
  await publishFeatureView(stage.store, { ...session, name: 'versioned' });
  await publishFeatureView(stage.store, view);
  expect((await push([{ ...row, features: { seconds: 1 } }], 'versioned')).answer).toMatchObject({
    written: 1,
  });
  const request = { features: [{ view: 'versioned', feature: 'seconds' }], entity };
  expect((await online.getOnlineFeatures({ ...request, views: [view] }))[0]).toMatchObject({ value: 1 });
  expect((await online.getOnlineFeatures({ ...request, views: [{ ...view, version: 1 }] }))[0]).toMatchObject(
    {
      status: 'NOT_FOUND',
    },
  );
});

describe('a view of which an older version still serves', () => {
  const renamed = (name: string, version: number, ...names: string[]): FeatureView => ({
    ...session,
    name,
    version,
    ttlSeconds: 0,
    features: names.map((feature) => ({ name: feature, type: 'int64' })),
  });
  const valueOf = async (view: FeatureView, of: Record<string, unknown> = entity) =>
    (
      await online.getOnlineFeatures({
        views: [view],
        features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
        entity: of,
      })
    ).map(({ value }) => value);

  it('feeds each version that finds its features in the row, and counts each row once', async () => {
    const [first, closed, middle, last] = [
      renamed('fed', 1, 'a', 'b'),
      { ...renamed('fed', 2, 'a', 'c'), push: false },
      renamed('fed', 3, 'd'),
      renamed('fed', 4, 'a', 'c'),
    ] as const;
    for (const view of [first, closed, middle, last]) await publishFeatureView(stage.store, view);
    const other = { customer_id: 'C2', store_id: 7 };
    const { answer } = await push(
      [
        { ...row, features: { a: 1, b: 2, c: 3, d: 6 } },
        { ...row, entity: other, features: { a: 4, c: 5 } },
      ],
      'fed',
    );
    expect(answer).toEqual({ view: 'fed', written: 2, skipped: 0, refused: 0 });
    expect(await Promise.all([first, closed, middle, last].map((view) => valueOf(view)))).toEqual([
      [1, 2],
      [null, null],
      [6],
      [1, 3],
    ]);
    expect(await Promise.all([first, middle, last].map((view) => valueOf(view, other)))).toEqual([
      [null, null],
      [null],
      [4, 5],
    ]);
    expect(counted).toEqual([['feature.pushed', 2, { view: 'fed', outcome: 'written' }]]);
    const missing = await push([{ ...row, features: { a: 1, b: 2 } }], 'fed');
    expect(missing.answer.error.fields).toMatchObject([{ field: 'rows[0].features.c', found: 'nothing' }]);
    const unknown = await push([{ ...row, features: { a: 1, b: 2, c: 3, e: 4 } }], 'fed');
    expect(unknown.answer.error.fields).toMatchObject([{ field: 'rows[0].features.e' }]);
  });

  it('leaves the older one alone where a value or the entity is none of its own', async () => {
    const first = { ...renamed('retyped', 1, 'a') };
    const second: FeatureView = { ...first, version: 2, features: [{ name: 'a', type: 'string' }] };
    const third: FeatureView = {
      ...second,
      version: 3,
      entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
    };
    for (const view of [first, second]) await publishFeatureView(stage.store, view);
    expect((await push([{ ...row, features: { a: 'x' } }], 'retyped')).answer).toMatchObject({ written: 1 });
    expect([await valueOf(first), await valueOf(second)]).toEqual([[null], ['x']]);
    const lone = { customer_id: 'C1' };
    const named = (view: FeatureView): FeatureView => ({ ...view, name: 'regrouped' });
    for (const view of [second, third])
      await publishFeatureView(stage.store, { ...named(view), version: view.version - 1 });
    expect((await push([{ ...row, entity: lone, features: { a: 'y' } }], 'regrouped')).answer).toMatchObject({
      written: 1,
    });
    expect(await valueOf({ ...named(third), version: 2 }, lone)).toEqual(['y']);
  });
});
