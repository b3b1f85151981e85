import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { Host } from './hosts';
import type { Storage } from '../storage';

/** Thrown for what is wrong with the job's data: SageMaker's class of errors that no retry mends. */
export class ClientError extends Error {}

/**
 * Downloads a channel below `<data>/<channel>/`, with the structure that the keys have below the prefix. A prefix is
 * literal, as in S3: what follows its last slash belongs to the file names.
 */
export async function downloadChannel(
  channel: Channel,
  data: string,
  host: Host,
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const { S3Uri, S3DataDistributionType } = channel.DataSource!.S3DataSource!;
  const sharded = S3DataDistributionType === 'ShardedByS3Key';
  await downloadPrefix(S3Uri!, join(data, channel.ChannelName!), sharded ? host : null, storage, signal);
}

/** Downloads what lies under a prefix; for a host to shard for, only its share of the objects. */
export async function downloadPrefix(
  uri: string,
  folder: string,
  shardFor: Host | null,
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const { store, key: prefix } = storage(uri);
  await mkdir(folder, { recursive: true });
  const objects = await store.list(prefix);
  if (objects.length === 0) throw new ClientError(`Data download failed: no S3 objects found under ${uri}`);
  const root = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const isMine = (i: number) => !shardFor || shardFor.all[i % shardFor.all.length] === shardFor.name;
  for (const { key } of objects.filter((_, i) => isMine(i))) {
    signal.throwIfAborted();
    if (!key.endsWith('/')) await store.download(key, join(folder, key.slice(root.length)));
  }
}

/** The text of an error that lies in the job's data, image or role; null for every other. */
export function asClientError(error: unknown): string | null {
  if (error instanceof ClientError) return error.message;
  const codes: string[] = [ErrorCode.MissingObject, ErrorCode.AccessDenied];
  return error instanceof MeridianError && codes.includes(error.code) ? error.message : null;
}
