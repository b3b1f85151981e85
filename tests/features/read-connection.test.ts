import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore } from '../../platform/online-store';
import { createRedis } from '../../platform/redis';
import { until } from '../support/servers';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const view: FeatureView = {
  name: 'numbers',
  version: 1,
  description: 'A view of the tests.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 0,
  features: [{ name: 'n', type: 'int64' }],
  sources: [],
  transformation: null,
};
const request = { views: [view], features: [{ view: 'numbers', feature: 'n' }] };
const ENTITIES = Array.from({ length: 100 }, (_, n) => ({ customer_id: `C${n}` }));
const EXPECTED = ENTITIES.map((_, n) => n);

let stage: Stage;
const opened: (Server | Redis)[] = [];
beforeAll(async () => {
  stage = await setStage();
  await createOnlineStore(stage.redis, 'meridian').write(view, rows());
});
afterEach(() => {
  for (const one of opened.splice(0)) {
    if (one instanceof Redis) one.disconnect();
    else one.close();
  }
});
afterAll(() => stage?.tearDown());

const rows = () =>
  ENTITIES.map((entity, n) => ({ entity, eventTimestamp: 1n, createdTimestamp: 1n, values: [n] }));

function clientOf(url: string, options = {}): Redis {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, ...options });
  redis.on('error', () => undefined);
  opened.push(redis);
  return redis;
}

const readAll = async (redis: Redis) =>
  (
    await createOnlineStore(redis, 'meridian').getOnlineFeaturesOfMany({ ...request, entities: ENTITIES })
  ).map(([feature]) => feature!.value);

/** A server of its own making; `serve` is told which connection it is, counted from 0. */
async function serverThat(serve: (socket: Socket, count: number) => void): Promise<string> {
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket, count++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(server);
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What stands between a client and Redis; `pass` hands on what Redis says. */
const proxyTo = (pass: (client: Socket, data: Buffer, count: number) => void): Promise<string> =>
  serverThat((client, count) => {
    const real = connect(Number(new URL(stage.redisUrl).port), '127.0.0.1');
    real.on('error', () => undefined);
    client.pipe(real);
    real.on('data', (data) => pass(client, data, count));
    client.on('close', () => real.destroy());
  });

it('gives each of many callers at once its own answers', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  const answers = await Promise.all(
    ENTITIES.map((entity) => online.getOnlineFeatures({ ...request, entity })),
  );
  expect(answers.map(([feature]) => feature!.value)).toEqual(EXPECTED);
});

it('goes on with the next answer where one could not be used', async () => {
  const online = createOnlineStore(stage.redis, 'meridian');
  const asDouble: FeatureView = { ...view, features: [{ name: 'n', type: 'double' }] };
  const wrong = { views: [asDouble], features: [{ view: 'numbers', feature: 'n' }], entities: ENTITIES };
  const [refused, read] = await Promise.allSettled([
    online.getOnlineFeaturesOfMany(wrong),
    readAll(stage.redis),
  ]);
  expect(refused).toMatchObject({ reason: { code: 'CorruptObject' } });
  expect(read).toMatchObject({ value: EXPECTED });
});

it('reads answers that come byte by byte', async () => {
  const url = await proxyTo((client, data) => {
    for (const byte of data) client.write(Buffer.of(byte));
  });
  expect(await readAll(clientOf(url))).toEqual(EXPECTED);
});

it('asks once more where the connection breaks in the middle of an answer', async () => {
  const url = await proxyTo((client, data, count) => {
    if (count > 0) client.write(data);
    else client.end(data.subarray(0, data.length / 2));
  });
  expect(await readAll(clientOf(url))).toEqual(EXPECTED);
});

it('reads on after Redis has closed every connection', async () => {
  expect(await readAll(stage.redis)).toEqual(EXPECTED);
  await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  expect(await readAll(stage.redis)).toEqual(EXPECTED);
});

it.each<[problem: string, serve: (socket: Socket) => unknown, words: string]>([
  ['hangs up on every question', (socket) => socket.on('data', () => socket.destroy()), 'lost'],
  ['never answers', (socket) => socket.resume(), 'No answer within 200 ms'],
  [
    'is no Redis',
    (socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n')),
    'asked for',
  ],
])('says in words that the server %s', async (_, serve, words) => {
  const redis = clientOf(await serverThat(serve), { commandTimeout: 200 });
  await expect(readAll(redis)).rejects.toMatchObject({
    code: 'DependencyUnavailable',
    retryable: true,
    message: expect.stringMatching(new RegExp(`^Redis at 127.0.0.1:\\d+ .*${words}`)),
  });
});

it('reads the database and with the password of its client', async () => {
  const { host } = new URL(stage.redisUrl);
  await stage.redis.config('SET', 'requirepass', 'se:cret');
  try {
    const second = createRedis({ redisUrl: `redis://:se%3Acret@${host}/2` });
    opened.push(second);
    await createOnlineStore(second, 'meridian').write(view, rows().slice(0, 7));
    expect(await readAll(second)).toEqual(EXPECTED.map((n) => (n < 7 ? n : null)));
    for (const wrong of [`redis://${host}`, `redis://:guess@${host}`, `redis://reader:guess@${host}`])
      await expect(readAll(clientOf(wrong))).rejects.toMatchObject({
        code: 'AccessDenied',
        retryable: false,
      });
  } finally {
    await stage.redis.config('SET', 'requirepass', '');
  }
});

it('ends with its client', async () => {
  const redis = createRedis({ redisUrl: stage.redisUrl });
  const connections = async (): Promise<string[]> =>
    ((await stage.redis.client('LIST')) as string).match(/^id=\d+/gm)!;
  const before = await connections();
  await readAll(redis);
  const own = (await connections()).filter((id) => !before.includes(id));
  expect(own).toHaveLength(1);
  redis.disconnect();
  await once(redis, 'end');
  await expect(readAll(redis)).rejects.toMatchObject({ code: 'DependencyUnavailable' });
  await until('the connection to be gone', async () => !(await connections()).includes(own[0]!));
});
