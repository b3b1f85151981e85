import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { literal, parquetFiles, withDatabase, type PlainRow } from '../../platform/duckdb';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { startS3 } from '../support/servers';

/** A real object store for the tests of one file. */
export interface LabelStage {
  folder: string;
  store: ObjectStore;
  /** Calls an activity as a worker would. */
  run<Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result>;
  /** The rows of one Parquet object, in its order. */
  rows(key: string, columns?: string): Promise<PlainRow[]>;
  /** Removes every object. */
  clear(): Promise<void>;
  tearDown(): Promise<void>;
}

export async function setStage(): Promise<LabelStage> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-labels-'));
  const s3 = await startS3(folder);
  Object.assign(process.env, s3.env);
  const store = createObjectStore({
    endpoint: s3.env['AWS_ENDPOINT_URL_S3'],
    region: s3.env['AWS_REGION']!,
    bucket: 'meridian-ml-data',
  });
  await store.ensureBucket();
  return {
    folder,
    store,
    run: (activity, input) => new MockActivityEnvironment().run(activity, input),
    async rows(key, columns = '*') {
      const path = join(folder, `${randomUUID()}.parquet`);
      await store.download(key, path);
      return withDatabase((database) => database.rows(`SELECT ${columns} FROM ${parquetFiles([path])}`));
    },
    async clear() {
      for (const { key } of await store.list('')) await store.delete(key);
    },
    async tearDown() {
      store.close();
      await s3.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const asLiteral = (value: string | null): string => (value === null ? 'NULL' : literal(value));
