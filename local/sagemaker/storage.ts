import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { noObjects } from './api/errors';
import { asClientError } from './container/channels';

/** An object or a prefix in some bucket. */
export interface Location {
  store: ObjectStore;
  key: string;
}

/** Finds the bucket that an S3 URI names; one client a bucket. */
export type Storage = (uri: string) => Location;

export function createStorage(env: NodeJS.ProcessEnv): Storage {
  const stores = new Map<string, ObjectStore>();
  return (uri) => {
    const parsed = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri);
    if (!parsed) throw new Error(`${uri}: expected an S3 URI, as in s3://bucket/prefix/.`);
    const [, bucket, key] = parsed as unknown as [string, string, string];
    if (!stores.has(bucket)) {
      const region = env['AWS_REGION'] ?? 'us-west-2';
      stores.set(bucket, createObjectStore({ endpoint: env['AWS_ENDPOINT_URL_S3'], region, bucket }));
    }
    return { store: stores.get(bucket)!, key };
  };
}

/** @throws ApiError where nothing lies under a prefix, its bucket included */
export async function requireObjects(uri: string, storage: Storage): Promise<void> {
  const { store, key } = storage(uri);
  const found = await store.list(key).catch((error: unknown) => {
    if (asClientError(error) === null) throw error;
    return [];
  });
  if (found.length === 0) throw noObjects(uri);
}
