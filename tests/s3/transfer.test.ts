import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { addDays, daysBetween } from '../../contracts/days';
import { listPartitionDays } from '../../platform/partitions';
import { createObjectStore, type ObjectStore, type Transfer } from '../../platform/s3';
import { startS3, until, type S3Server } from '../support/servers';

jest.setTimeout(60_000);
const MiB = 2 ** 20;
const bucket = 'meridian-ml-data';
const timeouts = { connectionTimeout: 2_000, socketTimeout: 5_000 };
const inParts: Transfer = { singleBytes: 5 * MiB, partBytes: 5 * MiB, partsInFlight: 3, abandonedAfterMs: 0 };

let folder: string;
let s3: S3Server;
let store: ObjectStore;
let client: S3Client;
const stores: ObjectStore[] = [];

function open(transfer: Partial<Transfer> = {}): ObjectStore {
  const config = { endpoint: s3.env['AWS_ENDPOINT_URL_S3'], region: s3.env['AWS_REGION']!, bucket };
  stores.push(createObjectStore(config, timeouts, { ...inParts, ...transfer }));
  return stores.at(-1)!;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meridian-transfer-'));
  s3 = await startS3(folder);
  Object.assign(process.env, s3.env);
  client = new S3Client({
    endpoint: s3.env['AWS_ENDPOINT_URL_S3'],
    region: 'us-west-2',
    forcePathStyle: true,
  });
  store = open();
  await store.ensureBucket();
});
afterAll(async () => {
  for (const one of stores) one.close();
  client?.destroy();
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(name: string, bytes: number): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, randomBytes(bytes));
  return path;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const openUploads = async (): Promise<unknown[]> =>
  (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];

/** A folder of its own for what is downloaded, to see what is left there. */
async function target(): Promise<{ path: string; left: () => Promise<string[]> }> {
  const into = await mkdtemp(join(folder, 'target-'));
  return { path: join(into, 'file'), left: () => readdir(into) };
}

describe('a large file', () => {
  it('travels in parts and arrives as it was', async () => {
    const path = await fileOf('large', 40 * MiB + 12_345);
    const stored = await store.upload(path, 'large');
    expect(stored).toMatchObject({ key: 'large', bytes: 40 * MiB + 12_345 });
    expect(await store.head('large')).toEqual(stored);
    expect(await store.list('large')).toEqual([stored]);
    // S3 marks an ETag of parts with their number.
    expect(stored.etag).toMatch(/-9"$/);
    const { path: back, left } = await target();
    await store.download('large', back, stored);
    expect(await hashOf(back)).toBe(await hashOf(path));
    expect(await left()).toEqual(['file']);
    expect(await openUploads()).toEqual([]);
  });

  it('is whole or as it was before, where the upload fails; nothing is left that nobody completes', async () => {
    const before = await store.put('shrinking', 'before');
    const path = await fileOf('shrinking', 40 * MiB);
    const upload = open({ partsInFlight: 1 }).upload(path, 'shrinking');
    await until('the upload has begun', async () => (await openUploads()).length > 0);
    await truncate(path, 10 * MiB);
    await expect(upload).rejects.toMatchObject({ code: 'DependencyUnavailable' });
    expect(await store.head('shrinking')).toEqual(before);
    expect(await openUploads()).toEqual([]);
  });

  it('clears what a killed upload of it left, and no other', async () => {
    for (const Key of ['killed', 'killed-other'])
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    const path = await fileOf('killed', 6 * MiB);
    await open({ abandonedAfterMs: 3_600_000 }).upload(path, 'killed');
    expect(await openUploads()).toHaveLength(2);
    await store.upload(path, 'killed');
    expect(await openUploads()).toMatchObject([{ Key: 'killed-other' }]);
    await store.upload(path, 'killed-other');
    expect(await openUploads()).toEqual([]);
  });

  it('survives S3 going down: no part of it stays, and the next attempt brings it whole', async () => {
    const path = await fileOf('down', 40 * MiB);
    const stored = await store.upload(path, 'down');
    const { path: back, left } = await target();
    const slow = open({ partBytes: 65_536, partsInFlight: 1 });
    const outcome = outcomeOf(slow.download('down', back, stored));
    await until('bytes have arrived', async () => hasBytes(await left(), back));
    await s3.stop('SIGKILL');
    expect(await outcome).toMatchObject({ code: 'DependencyUnavailable', retryable: true });
    expect(await left()).toEqual([]);
    await s3.start();
    await store.download('down', back, stored);
    expect(await hashOf(back)).toBe(await hashOf(path));
  });
});

/** What a download that goes on meanwhile ends with: its error, or nothing. */
const outcomeOf = (download: Promise<void>): Promise<unknown> => download.catch((error: unknown) => error);

const hasBytes = async ([name]: string[], path: string): Promise<boolean> =>
  name !== undefined && (await stat(join(path, '..', name))).size > 0;

describe('an object that is replaced', () => {
  const conflict = { code: 'Conflict', retryable: true, message: expect.stringContaining('was replaced') };

  it('since it was listed, is not taken for the one listed', async () => {
    const listed = await store.put('listed', 'one');
    await store.put('listed', 'two');
    const { path, left } = await target();
    await expect(store.download('listed', path, listed)).rejects.toMatchObject(conflict);
    expect(await left()).toEqual([]);
    await store.download('listed', path);
    expect(await readFile(path, 'utf8')).toBe('two');
  });

  it('while it is read, leaves no file of two halves', async () => {
    const stored = await store.put('changing', randomBytes(40 * MiB));
    const { path, left } = await target();
    const slow = open({ partBytes: 65_536, partsInFlight: 1 });
    const outcome = outcomeOf(slow.download('changing', path, stored));
    await until('bytes have arrived', async () => hasBytes(await left(), path));
    await store.put('changing', randomBytes(40 * MiB));
    expect(await outcome).toMatchObject(conflict);
    expect(await left()).toEqual([]);
  });

  it('that is gone is said to be missing', async () => {
    const listed = await store.put('gone', 'body');
    await store.delete('gone');
    const { path } = await target();
    for (const known of [listed, undefined])
      await expect(store.download('gone', path, known)).rejects.toMatchObject({ code: 'MissingObject' });
  });
});

it('any size in any parts arrives byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.integer({ min: 50, max: 700 }),
      fc.integer({ min: 1, max: 5 }),
      async (bytes, partBytes, partsInFlight) => {
        const stored = await store.put('any', Buffer.from(bytes));
        const { path } = await target();
        await open({ singleBytes: partBytes, partBytes, partsInFlight }).download('any', path, stored);
        expect(await readFile(path)).toEqual(Buffer.from(bytes));
      },
    ),
    {
      numRuns: 40,
      examples: [
        [new Uint8Array(0), 50, 1],
        [new Uint8Array(100), 50, 2],
        [new Uint8Array(101), 50, 2],
      ],
    },
  );
});

describe('the days of a window', () => {
  const first = '2023-01-01';
  const last = addDays(first, 1_199);

  beforeAll(async () => {
    // The gateway keeps its objects as files: a history of more than one page is laid down at once.
    const root = join(folder, 's3', bucket, 'history');
    await Promise.all(
      daysBetween(first, last).map(async (day) => {
        await mkdir(join(root, `dt=${day}`), { recursive: true });
        await writeFile(join(root, `dt=${day}`, 'part-0.parquet'), '');
      }),
    );
  });

  it('are those of the whole list that lie in it', async () => {
    const all = await listPartitionDays(store, 'history/');
    expect(all).toEqual(daysBetween(first, last));
    const bound = fc.option(
      fc.integer({ min: -5, max: 1_205 }).map((offset) => addDays(first, offset)),
      {
        nil: undefined,
      },
    );
    await fc.assert(
      fc.asyncProperty(bound, bound, async (from, to) => {
        const expected = all.filter((day) => (from ?? day) <= day && day <= (to ?? day));
        expect(await listPartitionDays(store, 'history/', { from, to })).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });
});
