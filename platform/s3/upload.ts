import { open, stat, type FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { StoredObject, Transfer } from './index';
import { inParallel } from './parallel';

/** S3's own bound. */
const MOST_PARTS = 10_000;

/** Uploads a file in one request, or a large one in parts; either way the object appears whole, at the end. */
export async function uploadFile(
  client: S3Client,
  bucket: string,
  path: string,
  key: string,
  transfer: Transfer,
): Promise<StoredObject> {
  const { size } = await stat(path);
  if (size > transfer.singleBytes) return uploadInParts(client, bucket, path, key, size, transfer);
  // A stream that cannot open its file would fail where nobody listens yet.
  const file = await open(path);
  try {
    const Body = file.createReadStream({ autoClose: false });
    const answer = await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentLength: size }),
    );
    return { key, etag: answer.ETag!, bytes: size };
  } finally {
    await file.close();
  }
}

async function uploadInParts(
  client: S3Client,
  bucket: string,
  path: string,
  key: string,
  size: number,
  { partBytes, partsInFlight, abandonedAfterMs }: Transfer,
): Promise<StoredObject> {
  const each = Math.max(partBytes, Math.ceil(size / MOST_PARTS));
  const target = { Bucket: bucket, Key: key };
  await abortAbandoned(client, bucket, key, Date.now() - abandonedAfterMs);
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const file = await open(path);
  try {
    const parts = await inParallel(
      Array.from({ length: Math.ceil(size / each) }, (_, index) => index),
      partsInFlight,
      async (index, signal): Promise<CompletedPart> => {
        const Body = await readPart(file, index * each, Math.min(each, size - index * each));
        const part = { PartNumber: index + 1 };
        const { ETag } = await client.send(new UploadPartCommand({ ...target, ...part, UploadId, Body }), {
          abortSignal: signal,
        });
        return { ...part, ETag };
      },
    );
    const answer = await client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }),
    );
    return { key, etag: answer.ETag!, bytes: size };
  } catch (error) {
    // Parts that nobody completes are kept, and paid for, until somebody aborts them. Where S3 cannot be reached for that
    // either, the first error is what matters, and the next upload of the object sees to it.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

/** Aborts what killed processes left: uploads of this object that were begun before the given time and never ended. */
async function abortAbandoned(client: S3Client, bucket: string, key: string, before: number): Promise<void> {
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
  );
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (Key !== key || !Initiated || Initiated.getTime() > before) continue;
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  }
}

/** A part in memory, so that the SDK can send it again. */
async function readPart(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const part = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(part, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`The file ended at byte ${start + filled} while it was uploaded.`);
    filled += bytesRead;
  }
  return part;
}
