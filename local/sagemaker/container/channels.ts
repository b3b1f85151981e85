import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Channel } from '@aws-sdk/client-sagemaker';
import { extract } from 'tar';
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
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const uri = channel.DataSource!.S3DataSource!.S3Uri!;
  const { store, key: prefix } = storage(uri);
  const folder = join(data, channel.ChannelName!);
  await mkdir(folder, { recursive: true });
  const objects = await store.list(prefix);
  if (objects.length === 0) throw new ClientError(`Data download failed: no S3 objects found under ${uri}`);
  const root = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  for (const { key } of objects) {
    signal.throwIfAborted();
    await store.download(key, join(folder, key.slice(root.length)));
  }
}

/** Unpacks the archive of script mode into the container's code folder. */
export async function unpackCode(uri: string, code: string, storage: Storage): Promise<void> {
  const { store, key } = storage(uri);
  const archive = join(dirname(code), `${basename(key)}.download`);
  await store.download(key, archive);
  await extract({ file: archive, cwd: code });
}
