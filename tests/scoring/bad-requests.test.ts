import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createLog } from '../../platform/log';
import { MAX_BODY, readJsonObject } from '../../workers/http/request';
import { sendJson } from '../../workers/http/response';
import { startHttpServer, type HttpServer } from '../../workers/http/server';
import { createCaller, type Caller } from './callers';
import { createRig, declarationOf, releaseFirst, type Rig, type Running } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const good = { tenure: 12, auto_renew: true, plan: 'plus' };

interface Refused {
  error: { code: string; fields: { field: string }[] };
}

describe('bad requests for predictions', () => {
  let rig: Rig;
  let worker: Running;
  let caller: Caller;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
    worker = await rig.start('inference');
    caller = await createCaller(worker.url);
  });
  afterAll(() => rig.close());
  // Whatever was sent, the worker goes on as before.
  afterEach(async () => {
    const { status } = await caller.post(`/v1/predict/${MODEL}`, { features: good });
    expect(status).toBe(200);
  });

  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const tensor = (data: string): string =>
    `{"inputs": [{"name": "tenure", "datatype": "FP64", "shape": [1], "data": ${data}}]}`;

  it.each<[string, string, string | Uint8Array, Record<string, string>, number, string]>([
    ['10 MB', 'predict', `{"features": "${'x'.repeat(10_000_000)}"}`, {}, 413, 'BodyTooLarge'],
    ['10 MB', 'infer', tensor(`[${'1,'.repeat(5_000_000)}1]`), {}, 413, 'BodyTooLarge'],
    ['deep JSON', 'predict', `{"instances": [{"features": ${deep(200_000)}}]}`, {}, 200, ''],
    ['deep JSON', 'infer', tensor(deep(200_000)), {}, 400, 'InvalidInput'],
    ['deep JSON', 'invocations', `{"instances": [{"tenure": ${deep(200_000)}}]}`, {}, 422, 'InvalidFeatures'],
    ['__proto__', 'predict', '{"__proto__": {"features": {}}}', {}, 400, 'InvalidInput'],
    ['__proto__', 'predict', '{"instances": [{"__proto__": {"features": {}}}]}', {}, 400, 'InvalidInput'],
    ['__proto__', 'invocations', '{"instances": [{"__proto__": {"tenure": 1}}]}', {}, 422, 'InvalidFeatures'],
    ['__proto__', 'invocations', '{"inputs": {"__proto__": [1]}}', {}, 422, 'InvalidFeatures'],
    [
      '__proto__',
      'invocations',
      '{"dataframe_split": {"columns": ["__proto__"], "data": [[1]]}}',
      {},
      422,
      'InvalidFeatures',
    ],
    ['__proto__', 'infer', '{"__proto__": {"inputs": []}}', {}, 400, 'InvalidInput'],
    ['constructor as a feature', 'predict', '{"features": {"constructor": 1}}', {}, 422, 'InvalidFeatures'],
    ['invalid UTF-8', 'predict', new Uint8Array([0x7b, 0xff, 0x7d]), {}, 400, 'MalformedJson'],
    ['invalid UTF-8', 'invocations', new Uint8Array([0x22, 0xc3, 0x28, 0x22]), {}, 400, 'MalformedJson'],
    ['a lone surrogate', 'predict', '{"features": {"\\ud800": 1}}', {}, 422, 'InvalidFeatures'],
    ['text/csv', 'invocations', 'tenure\n1', { 'content-type': 'text/csv' }, 415, 'UnsupportedMediaType'],
    [
      'a form',
      'predict',
      'features=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'UnsupportedMediaType',
    ],
    [
      'UTF-16',
      'predict',
      '{}',
      { 'content-type': 'application/json; charset=utf-16' },
      415,
      'UnsupportedMediaType',
    ],
  ])('%s to %s', async (_name, way, body, headers, status, code) => {
    const paths: Record<string, string> = {
      predict: `/v1/predict/${MODEL}`,
      infer: `/v2/models/${MODEL}/infer`,
      invocations: `/v1/models/${MODEL}/invocations`,
    };
    const answer = await caller.post<Partial<Refused> & { code?: string }>(paths[way]!, body, headers);
    expect([answer.status, answer.body.code ?? answer.body.error?.code ?? '']).toEqual([status, code]);
  });

  it('takes the last of a key that stands twice', async () => {
    const twice = JSON.stringify({ features: good }).replace('"tenure":12', '"tenure":"long","tenure":12');
    const once = await caller.post<{ prediction: number }>(`/v1/predict/${MODEL}`, { features: good });
    const answer = await caller.post<{ prediction: number }>(`/v1/predict/${MODEL}`, twice);
    expect(answer.body.prediction).toBe(once.body.prediction);
  });
});

describe('bad connections', () => {
  const ANSWERED = /^HTTP\/1\.1 200 /;
  let server: HttpServer;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    server = await startHttpServer(
      {
        '/echo': {
          POST: async ({ request, response }) => sendJson(response, 200, await readJsonObject(request)),
        },
      },
      { host: '127.0.0.1', port: 0 },
      createLog('test'),
      { requestTimeout: 600, headersTimeout: 300, connectionsCheckingInterval: 50, keepAliveTimeout: 300 },
    );
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => server.close());

  async function open(): Promise<Socket> {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }
  /** All that the server says until it hangs up. */
  async function toTheEnd(socket: Socket): Promise<string> {
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await Promise.race([once(socket, 'end'), once(socket, 'close')]);
    return said;
  }
  const head = (length: number): string =>
    `POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
  const expectServing = async (): Promise<void> => {
    const answer = await fetch(`${server.url}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(200);
  };

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['stops within its head', (socket) => socket.write('POST /echo HTTP/1.1\r\nhost: x\r\n')],
    ['stops within its body', (socket) => socket.write(`${head(100)}{"a": `)],
    [
      'sends a byte now and then',
      (socket) => {
        socket.write(head(100));
        const drip = setInterval(() => socket.write(' '), 50);
        socket.once('close', () => clearInterval(drip));
        socket.once('end', () => clearInterval(drip));
      },
    ],
  ])('hangs up on a client that %s, and serves the others meanwhile', async (_name, send) => {
    const socket = await open();
    send(socket);
    const [said] = await Promise.all([toTheEnd(socket), expectServing()]);
    expect(said === '' || said.startsWith('HTTP/1.1 408 ')).toBe(true);
  });

  it('answers a client that has closed its own side', async () => {
    const socket = await open();
    socket.end(`${head(8)}{"a": 1}`);
    expect(await toTheEnd(socket)).toMatch(ANSWERED);
  });

  it('survives clients that go away within a request', async () => {
    for (let n = 0; n < 50; n += 1) {
      const socket = await open();
      socket.write(`${head(100)}{"a"`, () => socket.destroy());
    }
    await expectServing();
  });

  it('answers a client that reads slowly, whole', async () => {
    const text = 'x'.repeat(MAX_BODY - 100);
    const body = JSON.stringify({ text });
    const socket = await open();
    socket.pause();
    socket.write(head(body.length).replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') + body);
    await expectServing();
    const said = await toTheEnd(socket.resume());
    expect(said).toMatch(ANSWERED);
    expect(said.endsWith(body)).toBe(true);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', '400'],
    [
      'two lengths',
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      '400',
    ],
    [
      'a length and chunks',
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      '400',
    ],
    ['a head of 100 KB', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, '431'],
  ])('refuses %s', async (_name, text, status) => {
    const socket = await open();
    socket.write(text);
    expect((await toTheEnd(socket)).split(' ')[1]).toBe(status);
    await expectServing();
  });
});
