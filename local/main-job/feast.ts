import { exportFeastRepo } from '../../client/feast-repo';
import type { ObjectStore } from '../../platform/s3';

/** Writes the repo by which the real Feast reads the features of every published view. @returns its folder */
export async function writeFeastRepoOf(store: ObjectStore, env: Record<string, string>): Promise<string> {
  const folder = env['MERIDIAN_FEAST_REPO']!;
  await exportFeastRepo(store, {
    folder,
    redisUrl: env['REDIS_URL']!,
    s3Endpoint: env['AWS_ENDPOINT_URL_S3'],
  });
  return folder;
}
