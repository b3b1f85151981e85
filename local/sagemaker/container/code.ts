import { cp, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { extract } from 'tar';
import type { Storage } from '../storage';
import { ClientError } from './channels';
import { mapped, type ContainerLayout } from './layout';

/**
 * Brings the code of script mode into the container, as the training toolkit does: out of an archive in S3, or out of an
 * archive or a folder that lies in the container already, in a channel say.
 * @throws ClientError where there is none, or where the container may not reach S3
 */
export async function bringCode(
  submitDirectory: string,
  layout: ContainerLayout,
  storage: Storage,
  isolated: boolean,
): Promise<void> {
  if (!submitDirectory.startsWith('s3://'))
    return copyCode(mapped(submitDirectory, layout.base), layout.code);
  if (isolated) {
    throw new ClientError(
      `Could not connect to the endpoint of ${submitDirectory}: with EnableNetworkIsolation a container reaches no network. ` +
        'Give the code by a channel, and name its path below /opt/ml/input/data/ in sagemaker_submit_directory.',
    );
  }
  const { store, key } = storage(submitDirectory);
  const archive = join(dirname(layout.code), `${basename(key)}.download`);
  await store.download(key, archive);
  await extract({ file: archive, cwd: layout.code });
}

async function copyCode(path: string, code: string): Promise<void> {
  if (path === code) return;
  const found = await stat(path).catch(() => null);
  if (!found) throw new ClientError(`sagemaker_submit_directory: there is no ${path} in the container.`);
  if (found.isDirectory()) await cp(path, code, { recursive: true });
  else await extract({ file: path, cwd: code });
}
