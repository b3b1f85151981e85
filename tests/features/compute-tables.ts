import { join } from 'node:path';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { literal, parquetFiles, withDatabase, type PlainRow } from '../../platform/duckdb';
import type { StoredObject } from '../../platform/s3';
import type { Stage } from './stage';

let files = 0;

/** Puts what an SQL query gives where others deliver it. */
export async function lay(stage: Stage, key: string, sql: string): Promise<StoredObject> {
  const path = join(stage.folder, `laid-${files++}.parquet`);
  await withDatabase((database) => database.execute(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`));
  return stage.store.upload(path, key);
}

export const layRaw = (stage: Stage, table: string, day: Day, sql: string): Promise<StoredObject> =>
  lay(stage, `${Key.rawPartition(table, day)}part-0.parquet`, sql);

export const layDelivered = (
  stage: Stage,
  view: FeatureView,
  day: Day,
  sql: string,
  file = 'part-0',
): Promise<StoredObject> => lay(stage, `${Key.featurePartition(view, day)}${file}.parquet`, sql);

export const partitionKey = (view: FeatureView, day: Day): string =>
  `${Key.featurePartition(view, day)}part-0.parquet`;

/** A partition's rows as DuckDB reads them, in its own order. */
export async function rowsOf(stage: Stage, view: FeatureView, day: Day, columns = '*'): Promise<PlainRow[]> {
  const path = join(stage.folder, `read-${files++}.parquet`);
  await stage.store.download(partitionKey(view, day), path);
  return withDatabase((database) => database.rows(`SELECT ${columns} FROM ${parquetFiles([path])}`));
}

/** A view over the raw table `events` (customer_id, amount), by default each customer's sum over three days. */
export const spending: FeatureView = {
  name: 'spending',
  version: 1,
  description: 'What customers spend.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 172_800,
  features: [{ name: 'amount', type: 'int64' }],
  sources: [{ table: 'events', lookBackDays: 3 }],
  transformation: 'SELECT customer_id, sum(amount) AS amount FROM events GROUP BY customer_id',
};
