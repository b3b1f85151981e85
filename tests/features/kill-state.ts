import { createHash } from 'node:crypto';
import { partitionHash } from '../../activities/features/compute-report';
import { readWatermark } from '../../activities/features/watermark';
import { endOfDay, type Day } from '../../contracts/days';
import { storedName } from '../../contracts/feature-view';
import type { PartitionReport } from '../../contracts/features';
import { FEAST_PROJECT, Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, withDatabase } from '../../platform/duckdb';
import type { Micros, StoredValue } from '../../platform/online-store';
import { listPartition } from '../../platform/partitions';
import type { KillStage } from './kill-stage';

/** The end of a day, in microseconds: the event time of its rows. */
export const endMicros = (day: Day): bigint => BigInt(Date.parse(endOfDay(day))) * 1000n;
const OPTED_OUT = '_opted_out';

/** Feature values as one text, to be compared. */
export const textOf = (values: readonly StoredValue[]): string =>
  JSON.stringify(values, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

/** A row of the offline store; its feature values as one text. */
export interface Row {
  customer: string;
  event: Micros;
  created: Micros;
  values: string;
}

interface Selection {
  /** SQL condition on the partitions' rows. */
  where?: string;
  /** A clause QUALIFY. */
  qualify?: string;
}

/** Rows of a view's partitions, read from the disk by nothing of ours. */
export async function offlineRows(
  { path }: Pick<KillStage, 'path'>,
  view: FeatureView,
  { where = 'true', qualify = '' }: Selection = {},
): Promise<Row[]> {
  const files = literal(path(`${Key.featureView(view)}dt=*/*.parquet`));
  const names = view.features.map(({ name }) => identifier(name));
  const rows = await withDatabase((database) =>
    database.rows(
      `SELECT customer_id, epoch_us(event_timestamp) AS __event, epoch_us(created_timestamp) AS __created, ${names.join(', ')}
       FROM read_parquet(${files}, hive_partitioning = false) WHERE ${where} ${qualify} ORDER BY customer_id, __event`,
    ),
  );
  return rows.map(({ customer_id, __event, __created, ...features }) => ({
    customer: customer_id as string,
    event: BigInt(__event as bigint | number),
    created: BigInt(__created as bigint | number),
    values: textOf(view.features.map(({ name }) => features[name] as StoredValue)),
  }));
}

/** The newest row of every customer alive at the end of the day who has not opted out. */
export async function newestRows(
  stage: Pick<KillStage, 'path'>,
  view: FeatureView,
  day: Day,
): Promise<Map<string, Row>> {
  const end = endMicros(day);
  const rows = await offlineRows(stage, view, {
    where: `epoch_us(event_timestamp) BETWEEN ${end - BigInt(view.ttlSeconds) * 1_000_000n} AND ${end}
      AND customer_id NOT IN (SELECT customer_id FROM ${optOutFiles(stage)})`,
    qualify:
      'QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY event_timestamp DESC, created_timestamp DESC) = 1',
  });
  return new Map(rows.map((row) => [row.customer, row]));
}

const optOutFiles = ({ path }: Pick<KillStage, 'path'>): string =>
  `read_parquet(${literal(path('raw/opt-outs/dt=*/*.parquet'))}, union_by_name = true)`;

/** Who is on the list, in order. */
export async function optedOut(stage: Pick<KillStage, 'path'>): Promise<string[]> {
  const rows = await withDatabase((database) =>
    database.rows<{ customer_id: string }>(
      `SELECT DISTINCT customer_id FROM ${optOutFiles(stage)} ORDER BY customer_id`,
    ),
  );
  return rows.map(({ customer_id }) => customer_id);
}

/** What a proof must have as its digest, where it is about exactly these. */
export function digestOf(customers: readonly string[]): string {
  const hash = createHash('sha256');
  for (const customer of customers) hash.update(`${JSON.stringify([['customer_id', customer]])}\n`);
  return hash.digest('hex');
}

/** Everything that a run leaves, but for the times at which it left it. */
export interface State {
  /** Rows and a digest of their content, by view and day. */
  partitions: Record<string, string>;
  /** What was found of each partition, by the key of its report. */
  reports: Record<string, unknown>;
  watermarks: Record<string, unknown>;
  /** Every key in Redis with its hash, in hex. */
  online: Record<string, Record<string, string>>;
}

export async function stateOf(stage: KillStage, views: readonly FeatureView[]): Promise<State> {
  const state: State = { partitions: {}, reports: {}, watermarks: {}, online: await rawHashes(stage) };
  for (const view of views) {
    for (const { key } of await stage.store.list(Key.featureView(view)))
      if (key.endsWith('.parquet')) state.partitions[key] = await contentOf(stage.path(key));
    for (const { key } of await stage.store.list(`reports/features/${storedName(view)}/`)) {
      const report = await stage.store.getJson<PartitionReport>(key);
      const { rows, passed, findings, partition } = report;
      const objects = await listPartition(stage.store, Key.featurePartition(view, report.day));
      state.reports[key] = { rows, passed, findings, ofWhatStands: partition === partitionHash(objects) };
    }
    const { asOf, version, newestEvent, entities } = (await readWatermark(stage.store, view))!;
    state.watermarks[view.name] = { asOf, version, newestEvent, entities };
  }
  return state;
}

const contentOf = (path: string): Promise<string> =>
  withDatabase(async (database) => {
    const { rows, digest } = await database.row<{ rows: number; digest: string }>(
      `SELECT count(*) AS rows, md5(string_agg(row::VARCHAR, chr(10) ORDER BY row.customer_id)) AS digest
       FROM (SELECT * EXCLUDE (created_timestamp) FROM read_parquet(${literal(path)}, hive_partitioning = false)) AS row`,
    );
    return `${rows} rows ${digest}`;
  });

async function rawHashes(stage: KillStage): Promise<State['online']> {
  const hashes: State['online'] = {};
  for (let cursor = '0'; ;) {
    const [next, keys] = await stage.redis.scanBuffer(cursor, 'COUNT', 1_000);
    for (const key of keys) hashes[key.toString('latin1')] = await rawHash(stage, key);
    cursor = next.toString();
    if (cursor === '0') return hashes;
  }
}

/** Without the created time, the time of an opt-out and the marks of loads, which no two runs share. */
async function rawHash({ redis }: KillStage, key: Buffer): Promise<Record<string, string>> {
  const isOfLoads = key.toString('latin1') === `${FEAST_PROJECT}:loads`;
  const cells = (await redis.callBuffer('HGETALL', key)) as Buffer[];
  const hash: Record<string, string> = {};
  for (let at = 0; at < cells.length; at += 2) {
    const field = cells[at]!.toString('latin1');
    if (field.startsWith('_created:')) continue;
    const isOfOneRun = isOfLoads || field === OPTED_OUT;
    hash[field] = isOfOneRun ? 'of some run' : cells[at + 1]!.toString('hex');
  }
  return hash;
}
