import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3ServiceException, type S3Client } from '@aws-sdk/client-s3';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { isMissing, missing } from './errors';
import type { StoredObject, Transfer } from './index';
import { inParallel } from './parallel';

/**
 * Writes the object beside `path` and renames it, so that the file is whole or absent. Every range is asked for under the
 * ETag of the first look, so that no file is made of two objects.
 */
export async function downloadObject(
  client: S3Client,
  bucket: string,
  object: StoredObject,
  path: string,
  { singleBytes, partBytes, partsInFlight }: Transfer,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.partial-${process.pid}`;
  try {
    await writeFile(partial, '');
    await inParallel(
      ranges(object.bytes, object.bytes > singleBytes ? partBytes : object.bytes),
      partsInFlight,
      (range, signal) => fetchRange(client, bucket, object, partial, range, signal),
    );
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

interface Range {
  start: number;
  /** Included; null where the whole object is one range. */
  end: number | null;
}

function ranges(bytes: number, partBytes: number): Range[] {
  if (bytes <= partBytes) return [{ start: 0, end: null }];
  return Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => ({
    start: index * partBytes,
    end: Math.min((index + 1) * partBytes, bytes) - 1,
  }));
}

async function fetchRange(
  client: S3Client,
  bucket: string,
  { key, etag }: StoredObject,
  path: string,
  { start, end }: Range,
  signal: AbortSignal,
): Promise<void> {
  try {
    const answer = await client.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        IfMatch: etag,
        Range: end === null ? undefined : `bytes=${start}-${end}`,
      }),
      { abortSignal: signal },
    );
    // Not every store that speaks S3 heeds If-Match.
    if (answer.ETag !== etag) {
      (answer.Body as Readable).destroy();
      throw replaced(bucket, key);
    }
    await pipeline(answer.Body as Readable, createWriteStream(path, { flags: 'r+', start }), { signal });
  } catch (error) {
    if (isMissing(error)) throw missing(bucket, key);
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412)
      throw replaced(bucket, key);
    throw error;
  }
}

const replaced = (bucket: string, key: string): MeridianError =>
  new MeridianError(
    ErrorCode.Conflict,
    `s3://${bucket}/${key}: the object was replaced while it was read. Nothing was written. It is tried again.`,
    [],
    { retryable: true },
  );
