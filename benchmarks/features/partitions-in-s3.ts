import { relative } from 'node:path';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import type { Config } from '../../platform/config';
import { createObjectStore } from '../../platform/s3';
import { startS3 } from '../../tests/support/servers';
import type { OfflineTable } from './data';

/**
 * Starts an object store with the partitions of each view; this process and those it starts find their keys to it in
 * the environment.
 */
export async function withPartitionsInS3<T>(
  folder: string,
  tables: readonly [FeatureView, OfflineTable][],
  use: (s3: Config['s3']) => Promise<T>,
): Promise<T> {
  const server = await startS3(folder);
  try {
    Object.assign(process.env, server.env);
    const config: Config['s3'] = {
      endpoint: server.env['AWS_ENDPOINT_URL_S3'],
      region: server.env['AWS_REGION']!,
      bucket: 'meridian-ml-data',
    };
    const store = createObjectStore(config);
    try {
      await store.ensureBucket();
      for (const [view, table] of tables) {
        for (const path of table.files)
          await store.upload(path, `${Key.featureView(view)}${relative(table.folder, path)}`);
      }
    } finally {
      store.close();
    }
    return await use(config);
  } finally {
    await server.stop();
  }
}
