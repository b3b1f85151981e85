import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createObjectStore, type ObjectStore } from './index';

const endpointOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** What a real S3 says only when it is in trouble, said on purpose. */
describe('createObjectStore on an S3 in trouble', () => {
  let server: Server;
  let store: ObjectStore;
  let answer: RequestListener;
  let variables: NodeJS.ProcessEnv;

  beforeAll(async () => {
    variables = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
    server = createServer((request, response) => {
      request.resume();
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    store = createObjectStore(
      { endpoint: endpointOf(server), region: 'us-west-2', bucket: 'b' },
      { connectionTimeout: 500, socketTimeout: 500 },
    );
  });
  afterAll(async () => {
    store.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    process.env = variables;
  });

  it('waits no longer for an answer than it is told', async () => {
    answer = () => undefined;
    await expect(store.get('k')).rejects.toMatchObject({ code: 'DependencyUnavailable', retryable: true });
  });

  it('waits no longer for the rest of a stream, and leaves no part of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-s3-'));
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('the beginning');
    };
    const failure = { code: 'DependencyUnavailable', retryable: true };
    await expect(store.download('k', join(folder, 'file'))).rejects.toMatchObject(failure);
    await expect(store.get('k')).rejects.toMatchObject(failure);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('goes on with a stream that is slow but not idle', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10', etag: '"e"' });
      let sent = 0;
      const timer = setInterval(() => {
        response.write('x');
        if ((sent += 1) === 10) clearInterval(timer);
      }, 100);
    };
    expect((await store.get('k')).toString()).toBe('x'.repeat(10));
  });

  const refuse = (status: number, code: string): RequestListener => {
    return (_, response) => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}.</Message></Error>`);
    };
  };

  it('takes a failed precondition for an answer, and a conflict with another request for none', async () => {
    answer = refuse(412, 'PreconditionFailed');
    expect(await store.create('k', 'body')).toBe(false);
    expect(await store.replace('k', 'body', '"e"')).toBe(false);
    answer = refuse(409, 'ConditionalRequestConflict');
    const failure = { code: 'DependencyUnavailable', retryable: true };
    await expect(store.create('k', 'body')).rejects.toMatchObject(failure);
    await expect(store.replace('k', 'body', '"e"')).rejects.toMatchObject(failure);
  });

  it.each(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])('tells on %s what to set', async (code) => {
    answer = refuse(403, code);
    await expect(store.get('k')).rejects.toMatchObject({
      code: 'AccessDenied',
      retryable: false,
      message: expect.stringMatching(
        new RegExp(`s3://b/k: .*${code}.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`),
      ),
    });
  });

  it('tells what to set where there are no credentials at all', async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
    });
    const bare = createObjectStore({ endpoint: endpointOf(server), region: 'us-west-2', bucket: 'b' });
    await expect(bare.get('k')).rejects.toMatchObject({
      code: 'AccessDenied',
      retryable: false,
      message: expect.stringContaining('AWS_ACCESS_KEY_ID'),
    });
    bare.close();
  });
});
