import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Config } from '../config';
import { downloadObject } from './download';
import { isMissing, missing, translate } from './errors';
import { uploadFile } from './upload';

export interface StoredObject {
  key: string;
  etag: string;
  bytes: number;
}

/** The bucket, in the words the rest of the house uses. Every error is a MeridianError that names the object. */
export interface ObjectStore {
  readonly bucket: string;
  /** `s3://bucket/key` */
  uri(key: string): string;
  get(key: string): Promise<Buffer>;
  /** Body and ETag, for a later `replace`; null where there is no such object. */
  find(key: string): Promise<{ body: Buffer; etag: string } | null>;
  getJson<T>(key: string): Promise<T>;
  head(key: string): Promise<StoredObject | null>;
  /** Every object below the prefix, in the order of their keys. */
  list(prefix: string): Promise<StoredObject[]>;
  /** The "folders" directly below the prefix, in order; only those from `from` to `to`, both included, where given. */
  listFolders(prefix: string, window?: { from?: string; to?: string }): Promise<string[]>;
  put(key: string, body: Buffer | string): Promise<StoredObject>;
  /** Writes with If-None-Match; false where the object exists already (then nothing is written). */
  create(key: string, body: Buffer | string): Promise<boolean>;
  /** Writes with If-Match; false where the object is no longer the one with that ETag. */
  replace(key: string, body: Buffer | string, etag: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /**
   * Streams an object to a file (written beside and renamed, so that it is whole or absent); a large one in ranges, several
   * at a time.
   * @param listed The object as it was listed; what stands there now is taken without it.
   * @throws MeridianError Conflict (retryable) where the object is, or while it is read becomes, another.
   */
  download(key: string, path: string, listed?: StoredObject): Promise<void>;
  /** Streams a file to an object, a large one in parts; the object is whole or as it was before. */
  upload(path: string, key: string): Promise<StoredObject>;
  ensureBucket(): Promise<void>;
  /** Frees the sockets. */
  close(): void;
}

export const sha256 = (body: Buffer | string): string => createHash('sha256').update(body).digest('hex');

/**
 * An answer, or the next bytes of a stream, must come within half a minute. Idleness is bounded, not the length of a
 * request: a large file may take as long as it goes on arriving.
 */
const TIMEOUTS = {
  connectionTimeout: 5_000,
  socketTimeout: 30_000,
};

/** How large files travel. */
export interface Transfer {
  /** Files above this many bytes travel in parts. */
  singleBytes: number;
  /** Bytes of a part; at least 5 MiB, which is S3's own bound. */
  partBytes: number;
  /** Parts of one file that travel at a time; an upload holds them in memory. */
  partsInFlight: number;
  /** How long after its begin an upload in parts is taken for one whose process was killed. */
  abandonedAfterMs: number;
}

const MiB = 2 ** 20;
const TRANSFER: Transfer = {
  singleBytes: 16 * MiB,
  partBytes: 8 * MiB,
  partsInFlight: 4,
  abandonedAfterMs: 24 * 3_600_000,
};

export function createObjectStore(
  config: Config['s3'],
  timeouts = TIMEOUTS,
  transfer = TRANSFER,
): ObjectStore {
  const client = new S3Client({
    region: config.region,
    endpoint: config.endpoint,
    forcePathStyle: config.endpoint !== undefined,
    requestHandler: timeouts,
  });
  const Bucket = config.bucket;

  const store: ObjectStore = {
    bucket: Bucket,
    uri: (key) => `s3://${Bucket}/${key}`,

    async get(key) {
      const found = await store.find(key);
      if (!found) throw missing(Bucket, key);
      return found.body;
    },

    async find(key) {
      try {
        const answer = await client.send(new GetObjectCommand({ Bucket, Key: key }));
        return { body: Buffer.from(await answer.Body!.transformToByteArray()), etag: answer.ETag! };
      } catch (error) {
        if (isMissing(error)) return null;
        throw translate(error, Bucket, key);
      }
    },

    async getJson<T>(key: string) {
      const body = await store.get(key);
      try {
        return JSON.parse(body.toString('utf8')) as T;
      } catch (cause) {
        throw new MeridianError(
          ErrorCode.CorruptObject,
          `s3://${Bucket}/${key}: expected JSON, found ${body.length} bytes that do not parse. Write it again.`,
          [],
          { cause },
        );
      }
    },

    async head(key) {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket, Key: key }));
        return { key, etag: answer.ETag!, bytes: answer.ContentLength ?? 0 };
      } catch (error) {
        if (isMissing(error)) return null;
        throw translate(error, Bucket, key);
      }
    },

    async list(prefix) {
      const found: StoredObject[] = [];
      let token: string | undefined;
      do {
        const page = await attempt(prefix, () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, ContinuationToken: token })),
        );
        for (const item of page.Contents ?? []) {
          if (!item.Key!.endsWith('/'))
            found.push({ key: item.Key!, etag: item.ETag!, bytes: item.Size ?? 0 });
        }
        token = page.NextContinuationToken;
      } while (token);
      return found;
    },

    async listFolders(prefix, { from, to } = {}) {
      const found: string[] = [];
      let token: string | undefined;
      do {
        const page = await attempt(prefix, () =>
          client.send(
            new ListObjectsV2Command({
              Bucket,
              Prefix: prefix,
              Delimiter: '/',
              // What lies in the folder `from` sorts after its name without the slash.
              StartAfter: from === undefined ? undefined : prefix + from,
              ContinuationToken: token,
            }),
          ),
        );
        const names = (page.CommonPrefixes ?? []).map((item) => item.Prefix!.slice(prefix.length, -1));
        found.push(...names.filter((name) => to === undefined || name <= to));
        const beyond = to !== undefined && names.some((name) => name > to);
        token = beyond ? undefined : page.NextContinuationToken;
      } while (token);
      return found;
    },

    async put(key, body) {
      const answer = await attempt(key, () =>
        client.send(new PutObjectCommand({ Bucket, Key: key, Body: body })),
      );
      return { key, etag: answer.ETag!, bytes: Buffer.byteLength(body) };
    },

    create: (key, body) => conditionalPut(key, body, { IfNoneMatch: '*' }),
    replace: (key, body, etag) => conditionalPut(key, body, { IfMatch: etag }),

    async delete(key) {
      await attempt(key, () => client.send(new DeleteObjectCommand({ Bucket, Key: key })));
    },

    async download(key, path, listed) {
      const object = listed ?? (await store.head(key));
      if (!object) throw missing(Bucket, key);
      await attempt(key, () => downloadObject(client, Bucket, object, path, transfer));
    },

    upload: (path, key) => attempt(key, () => uploadFile(client, Bucket, path, key, transfer)),

    async ensureBucket() {
      try {
        await client.send(new CreateBucketCommand({ Bucket }));
      } catch (error) {
        const name = (error as Error).name;
        if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists')
          throw translate(error, Bucket, '');
      }
    },

    close: () => client.destroy(),
  };

  async function conditionalPut(
    key: string,
    body: Buffer | string,
    condition: { IfNoneMatch: '*' } | { IfMatch: string },
  ): Promise<boolean> {
    try {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: body, ...condition }));
      return true;
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      // 409 says only that another write is under way, which may yet fail: it is retried like an outage.
      if (status === 412) return false;
      throw translate(error, Bucket, key);
    }
  }

  async function attempt<T>(key: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw translate(error, Bucket, key);
    }
  }

  return store;
}
