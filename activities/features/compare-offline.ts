import { join } from 'node:path';
import { addDays, endOfDay, type Day } from '../../contracts/days';
import { lookBackOf, ttlDays } from '../../contracts/feature-view';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import { admitPartitions } from './admission';
import { castColumns, SQL_TYPE } from '../../platform/duckdb-types';
import type { Micros, OnlineRow, StoredValue } from '../../platform/online-store';
import {
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { openSource, PLACE } from '../datasets/historical/source';
import { declaredColumns, joinKeyNames } from './columns';

/**
 * What the offline store says should be online: the newest row alive of each entity. The rule is written out here once
 * more, in plain SQL: what checks the loads must not share their mistakes.
 */
export interface OfflineStore {
  /** Only rows of a later event are held against what is online; null where all are. */
  after: Micros | null;
  /** The end of the newest day that has a partition: what a load that is under way may have written. */
  newest: Micros;
  /** At most `size` entities, chosen by a hash of the entity and the seed. */
  sample(seed: string, size: number): Promise<OnlineRow[]>;
  /** Those of the entities that have no row alive. */
  withoutRow(entities: readonly Record<string, unknown>[]): Promise<Record<string, unknown>[]>;
  close(): void;
}

const ENTITIES_PER_INSERT = 1_000;

export const endOfDayMicros = (day: Day): Micros => BigInt(Date.parse(endOfDay(day))) * 1000n;

/** @throws MeridianError CorruptObject naming the partition's object. */
export async function openOfflineStore(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  asOf: Day,
): Promise<OfflineStore> {
  const { load, after, newest } = await daysToCompare(store, view, asOf);
  const { admitted } = await admitPartitions(store, cache, view, load);
  const files = (
    await Promise.all(admitted.map(({ day }) => cache.pull(Key.featurePartition(view, day))))
  ).flat();
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  const keys = joinKeyNames(view).map(identifier);
  try {
    const countEntities = async (): Promise<number> => {
      const { entities } = await database.row<{ entities: number }>(
        `SELECT approx_count_distinct(hash(${keys.join(', ')})) AS entities FROM (${alive})`,
      );
      return entities;
    };
    const alive = files.length === 0 ? null : await aliveQuery(database, view, files, asOf, after);
    return {
      after,
      newest,
      async sample(seed, size) {
        if (alive === null) return [];
        const chosen = `hash(${[literal(seed), ...keys].join(', ')})`;
        const rows =
          `SELECT * EXCLUDE (__place) FROM (${alive}) AS frame ` +
          `WHERE ${chosen} <= ${threshold(size, await countEntities())}::UBIGINT ` +
          `QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ` +
          `ORDER BY __event DESC, __created DESC NULLS LAST, __place DESC) = 1 ORDER BY ${chosen} LIMIT ${size}`;
        return explainCorruption(database, files, () => readRows(database, view, rows));
      },
      async withoutRow(entities) {
        if (alive === null) return [...entities];
        await fillAsked(database, view, entities);
        const same = keys.map((key) => `asked.${key} = alive.${key}`).join(' AND ');
        const found = await explainCorruption(database, files, () =>
          database.rows<{ __position: number }>(
            `SELECT __position FROM asked ANTI JOIN (${alive}) AS alive ON ${same} ORDER BY __position`,
          ),
        );
        return found.map(({ __position }) => entities[__position]!);
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * The days that can hold a row alive at the end of `asOf`, oldest first. Of a view without a ttl that would be its whole
 * history: only its newest partitions are compared, as many as a load looks back on, and rows later than all before them.
 */
async function daysToCompare(
  store: ObjectStore,
  view: FeatureView,
  asOf: Day,
): Promise<{ load: Day[]; after: Micros | null; newest: Micros }> {
  const reach = ttlDays(view);
  const from = reach === null ? undefined : addDays(asOf, -reach);
  const present = await listPartitionDays(store, Key.featureView(view), { from });
  const newest = endOfDayMicros(present.at(-1) ?? asOf);
  const loaded = present.filter((day) => day <= asOf);
  if (reach !== null) return { load: loaded, after: null, newest };
  const first = Math.max(0, loaded.length - 1 - lookBackOf(view));
  return {
    load: loaded.slice(first),
    after: first === 0 ? null : endOfDayMicros(loaded[first - 1]!),
    newest,
  };
}

/**
 * Every row alive at the end of the day: `__event` and `__created` in epoch microseconds, `__place`, then what is declared.
 * The window includes both its ends; times without a zone are UTC.
 */
async function aliveQuery(
  database: Database,
  view: FeatureView,
  files: readonly PulledObject[],
  asOf: Day,
  after: Micros | null,
): Promise<string> {
  const columns = view.features.map(({ name }) => ({ feature: name, as: name }));
  const { from, hasCreated } = await openSource(database, { view, files, columns });
  const end = `TIMESTAMPTZ ${literal(endOfDay(asOf))}`;
  const time = 'event_timestamp::TIMESTAMPTZ';
  const created = hasCreated ? 'epoch_us(created_timestamp::TIMESTAMPTZ)' : 'NULL::BIGINT';
  const conditions = [
    ...joinKeyNames(view).map((key) => `${identifier(key)} IS NOT NULL`),
    `isfinite(event_timestamp) AND ${time} <= ${end}`,
    after === null ? 'true' : `epoch_us(${time}) > ${after}`,
    view.ttlSeconds === 0 ? 'true' : `${time} >= ${end} - to_seconds(${view.ttlSeconds}::BIGINT)`,
  ];
  return (
    `SELECT epoch_us(${time}) AS __event, ${created} AS __created, ${PLACE} AS __place, ` +
    `${castColumns(declaredColumns(view)).join(', ')} FROM ${from} WHERE ${conditions.join(' AND ')}`
  );
}

/** Twice the share of the entities wanted, and some more: a sample is sorted, and not the whole table. */
function threshold(size: number, of: number): bigint {
  const most = 2n ** 64n - 1n;
  const wanted = BigInt(2 * size + 100);
  return BigInt(of) <= wanted ? most : (most / BigInt(of)) * wanted;
}

async function fillAsked(
  database: Database,
  view: FeatureView,
  entities: readonly Record<string, unknown>[],
): Promise<void> {
  const { joinKeys } = view.entity;
  const columns = joinKeys.map(({ name, type }) => `${identifier(name)} ${SQL_TYPE[type]}`);
  await database.execute(`CREATE OR REPLACE TABLE asked (__position INTEGER, ${columns.join(', ')})`);
  for (let first = 0; first < entities.length; first += ENTITIES_PER_INSERT) {
    const rows = entities.slice(first, first + ENTITIES_PER_INSERT).map((entity, index) => {
      const values = joinKeys.map(({ name }) => literal(String(entity[name])));
      return `(${[String(first + index), ...values].join(', ')})`;
    });
    await database.execute(`INSERT INTO asked VALUES ${rows.join(', ')}`);
  }
}

async function readRows(database: Database, view: FeatureView, sql: string): Promise<OnlineRow[]> {
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
