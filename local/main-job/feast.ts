import { Key } from '../../contracts/ids';
import type { DeclarationPointer, ModelDeclaration } from '../../contracts/model';
import { writeFeastRepo } from '../../features/feast-repo';
import type { ObjectStore } from '../../platform/s3';

/** Writes the repo by which the real Feast reads the features of every published model. @returns its folder */
export async function writeFeastRepoOf(store: ObjectStore, env: Record<string, string>): Promise<string> {
  const folder = env['MERIDIAN_FEAST_REPO']!;
  const names = await store.listFolders('declarations/');
  const models = await Promise.all(
    names.map(async (name) => {
      const { hash } = await store.getJson<DeclarationPointer>(Key.declarationPointer(name));
      return store.getJson<ModelDeclaration>(Key.declaration(name, hash));
    }),
  );
  await writeFeastRepo({
    folder,
    models,
    redisUrl: env['REDIS_URL']!,
    bucket: store.bucket,
    s3Endpoint: env['AWS_ENDPOINT_URL_S3'],
  });
  return folder;
}
