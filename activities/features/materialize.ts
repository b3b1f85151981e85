import { join } from 'node:path';
import { addDays, endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import type { OnlineRow, OnlineStore, StoredValue } from '../../platform/online-store';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { declaredColumns, joinKeyNames, SQL_TYPE } from './columns';

/** Where a load is, as its heartbeat tells it and the Temporal UI shows it; a later attempt goes on from there. */
export interface MaterializeHeartbeat {
  phase: 'reading' | 'writing' | 'verifying';
  view: string;
  chunk: number;
  of: number;
  written: number;
}

const ENTITIES_PER_CHUNK = 20_000;
const ENTITIES_VERIFIED = 100;
const SECONDS_PER_DAY = 86_400;

/**
 * The partitions that can hold a row alive at the end of `asOf`: its day ends no earlier than the ttl allows.
 * @throws MeridianError MissingObject where there is none.
 */
export async function livePartitions(store: ObjectStore, view: FeatureView, asOf: Day): Promise<Day[]> {
  const oldest =
    view.ttlSeconds === 0 ? '0000-01-01' : addDays(asOf, -Math.ceil(view.ttlSeconds / SECONDS_PER_DAY));
  const days = (await listPartitionDays(store, Key.featureView(view))).filter(
    (day) => oldest <= day && day <= asOf,
  );
  if (days.length === 0) {
    throw new MeridianError(
      ErrorCode.MissingObject,
      `${store.uri(Key.featureView(view))}: expected a partition from ${oldest} to ${asOf}, found none. ` +
        'The online store is as it was. Compute the features of that day, then retry.',
    );
  }
  return days;
}

/** The newest row of every entity alive at the end of `asOf`, cut into chunks by a hash of the entity. */
export interface NewestRows {
  entities: number;
  chunks: number;
  /** Epoch microseconds of the newest event; null without rows. */
  newestEvent: number | null;
  rows(chunk: number): Promise<OnlineRow[]>;
  sample(salt: string): Promise<OnlineRow[]>;
  close(): void;
}

export async function newestRows(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  asOf: Day,
): Promise<NewestRows> {
  const days = await livePartitions(store, view, asOf);
  const pulled = (await Promise.all(days.map((day) => cache.pull(Key.featurePartition(view, day))))).flat();
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    await defineTable(database, 'offline', pulled);
    await explainCorruption(database, pulled, () => database.execute(newestQuery(view, asOf)));
    const { entities, newest } = await database.row<{ entities: number; newest: number | null }>(
      'SELECT count(*) AS entities, max(_event) AS newest FROM newest',
    );
    const chunks = Math.max(1, Math.ceil(entities / ENTITIES_PER_CHUNK));
    const keys = joinKeyNames(view).map(identifier).join(', ');
    return {
      entities,
      chunks,
      newestEvent: newest,
      rows: (chunk) =>
        onlineRows(database, view, `SELECT * FROM newest WHERE hash(${keys}) % ${chunks} = ${chunk}`),
      sample: (salt) =>
        onlineRows(
          database,
          view,
          `SELECT * FROM newest ORDER BY hash(${literal(salt)}, ${keys}) LIMIT ${ENTITIES_VERIFIED}`,
        ),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Rows without a time or a key never match; the window includes both its ends; ties go to the newest created. */
function newestQuery(view: FeatureView, asOf: Day): string {
  const end = `TIMESTAMPTZ ${literal(endOfDay(asOf))}`;
  const keys = joinKeyNames(view).map(identifier);
  const columns = declaredColumns(view).map(
    ({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
  );
  const alive =
    view.ttlSeconds === 0 ? '' : `AND event_timestamp >= ${end} - to_seconds(${view.ttlSeconds}::BIGINT)`;
  return `CREATE TABLE newest AS
    SELECT epoch_us(event_timestamp) AS _event, epoch_us(created_timestamp) AS _created, ${columns.join(', ')}
    FROM (SELECT * REPLACE (event_timestamp::TIMESTAMPTZ AS event_timestamp,
                            created_timestamp::TIMESTAMPTZ AS created_timestamp) FROM offline)
    WHERE event_timestamp <= ${end} ${alive} AND ${keys.map((key) => `${key} IS NOT NULL`).join(' AND ')}
    QUALIFY row_number() OVER (
      PARTITION BY ${keys.join(', ')} ORDER BY event_timestamp DESC, created_timestamp DESC NULLS LAST) = 1`;
}

async function onlineRows(database: Database, view: FeatureView, sql: string): Promise<OnlineRow[]> {
  const keys = joinKeyNames(view);
  const result = await database.stream(sql);
  const rows: OnlineRow[] = [];
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const [event, created, ...cells] of chunk.getRows()) {
      rows.push({
        entity: Object.fromEntries(keys.map((key, index) => [key, cells[index]])),
        eventTimestamp: event as bigint,
        createdTimestamp: (created as bigint | null) ?? 0n,
        values: cells.slice(keys.length) as StoredValue[],
      });
    }
  }
  return rows;
}

/**
 * Reads a sample back: each entity must stand at least as new as what was loaded, and with the same values where the
 * event time is the same.
 * @returns How many entities were compared.
 */
export async function verifySample(
  online: OnlineStore,
  view: FeatureView,
  sample: readonly OnlineRow[],
): Promise<number> {
  const stored = await online.getOnlineFeaturesOfMany({
    // What is there matters, not whether it is still fresh.
    views: [{ ...view, ttlSeconds: 0 }],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
    entities: sample.map(({ entity }) => entity),
  });
  for (const [index, row] of sample.entries()) {
    const at = stored[index]![0]!.eventTimestamp;
    const wrong = stored[index]!.filter(({ value }, column) => !sameValue(value, row.values[column]!));
    if (at === null || at < row.eventTimestamp || (at === row.eventTimestamp && wrong.length > 0)) {
      throw new MeridianError(
        ErrorCode.DataQualityBreach,
        `features/${view.name}: read back ${JSON.stringify(row.entity, bigintAsText)} from the online store and ` +
          `found ${at === null ? 'no row' : wrong.map(({ feature, value }) => `${feature} ${String(value)}`).join(', ')}, ` +
          'expected what was just written. The watermark was not moved. Look for another writer, then retry.',
      );
    }
  }
  return sample.length;
}

function sameValue(stored: StoredValue, written: StoredValue): boolean {
  if (Number.isNaN(written)) return stored === null;
  // The reader gives an int64 as a number where that is exact; DuckDB gives every one as a bigint.
  if (typeof written === 'bigint') return stored !== null && String(stored) === String(written);
  return Object.is(stored, written);
}

const bigintAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;
