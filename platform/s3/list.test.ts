import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createObjectStore, type ObjectStore } from './index';

const PAGE = 3;

/** Answers listings of `days/dt=…/` page by page, and remembers what it was asked. */
describe('listing the folders of a window', () => {
  const folders = Array.from({ length: 20 }, (_, index) => `dt=${String(index).padStart(2, '0')}`);
  let server: Server;
  let store: ObjectStore;
  let asked: URLSearchParams[];
  let variables: NodeJS.ProcessEnv;

  beforeAll(async () => {
    variables = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
    server = createServer((request, response) => {
      const query = new URL(request.url!, 'http://s3').searchParams;
      asked.push(query);
      const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
      const rest = folders.filter((name) => `days/${name}/` > after);
      const page = rest.slice(0, PAGE).map((name) => `days/${name}/`);
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        `<?xml version="1.0"?><ListBucketResult>${page
          .map((prefix) => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`)
          .join('')}<IsTruncated>${rest.length > PAGE}</IsTruncated>${
          rest.length > PAGE ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
        }</ListBucketResult>`,
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    store = createObjectStore({ endpoint, region: 'us-west-2', bucket: 'b' });
  });
  beforeEach(() => {
    asked = [];
  });
  afterAll(async () => {
    store.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    process.env = variables;
  });

  it('begins where the window begins, and turns no page after its end', async () => {
    expect(await store.listFolders('days/', { from: 'dt=07', to: 'dt=11' })).toEqual(folders.slice(7, 12));
    expect(asked).toHaveLength(2);
    expect(asked[0]!.get('start-after')).toBe('days/dt=07');
  });

  it('lists all of them without a window', async () => {
    expect(await store.listFolders('days/')).toEqual(folders);
    expect(asked).toHaveLength(7);
  });
});
