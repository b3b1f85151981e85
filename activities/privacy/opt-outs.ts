import { createHash } from 'node:crypto';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { columnNames, SQL_TYPE } from '../../platform/duckdb-types';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';

export type JoinKeys = FeatureView['entity']['joinKeys'];

/** Where the list lies: `raw/opt-outs/`, a partition on each day that brought requests; its rows name join keys. */
export const OPT_OUT_TABLE = 'opt-outs';

/** Who of one kind of entity asked to be left out. */
export interface OptedOut {
  /** Sorted by name. */
  joinKeys: JoinKeys;
  entities: number;
  /** Table of their join keys in the declared types, each entity once. */
  table: string;
}

export interface OptOuts {
  /** Hash of the objects the list was read from; a fixed word where there are none. */
  version: string;
  /** Entities of all kinds. */
  entities: number;
  sources: PulledObject[];
  kinds: OptedOut[];
  /** SQL condition on rows of `frame`: true for those of nobody on the list. */
  condition: string;
}

/**
 * Everyone who has asked to be left out, by every request delivered until now: whoever asks to be left out is left out
 * of what is made from then on, whatever day it is about. The list concerns those of the views whose join keys it names;
 * an entity on it by other join keys (an account, where a view is about customers) is left in.
 * @throws MeridianError DataQualityBreach where a join key on the list is not of its declared type; CorruptObject.
 */
export async function readOptOuts(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  views: readonly Pick<FeatureView, 'entity'>[],
): Promise<OptOuts> {
  const days = await listPartitionDays(store, `raw/${OPT_OUT_TABLE}/`);
  const sources = (
    await Promise.all(days.map((day) => cache.pull(Key.rawPartition(OPT_OUT_TABLE, day))))
  ).flat();
  if (sources.length === 0)
    return { version: 'none', entities: 0, sources: [], kinds: [], condition: 'true' };
  await defineTable(database, OPT_OUT_TABLE, sources);
  const columns = await columnNames(database, OPT_OUT_TABLE);
  const kinds: OptedOut[] = [];
  for (const joinKeys of kindsOf(views)) {
    if (!joinKeys.every(({ name }) => columns.includes(name))) continue;
    kinds.push(await explainCorruption(database, sources, () => defineKind(database, joinKeys)));
  }
  return {
    version: versionOf(sources),
    entities: kinds.reduce((sum, { entities }) => sum + entities, 0),
    sources,
    kinds,
    condition: kinds.map(notOnList).join(' AND ') || 'true',
  };
}

/** The different join keys of the views. */
export function kindsOf(views: readonly Pick<FeatureView, 'entity'>[]): JoinKeys[] {
  const kinds = new Map<string, JoinKeys>();
  for (const { entity } of views) {
    const joinKeys = [...entity.joinKeys].sort((a, b) => (a.name < b.name ? -1 : 1));
    kinds.set(joinKeys.map(({ name, type }) => `${name} ${type}`).join(), joinKeys);
  }
  return [...kinds.values()];
}

/** SQL condition: a row of the list names an entity of this kind. */
export const namesEntity = (joinKeys: JoinKeys): string =>
  joinKeys.map(({ name }) => `${identifier(name)} IS NOT NULL`).join(' AND ');

async function defineKind(database: Database, joinKeys: JoinKeys): Promise<OptedOut> {
  const table = `${OPT_OUT_TABLE}/${joinKeys.map(({ name, type }) => `${name} ${type}`).join()}`;
  const cast = ({ name, type }: JoinKeys[number]): string =>
    `TRY_CAST(${identifier(name)} AS ${SQL_TYPE[type]})`;
  const { unfit } = await database.row<{ unfit: number }>(
    `SELECT count(*) AS unfit FROM ${identifier(OPT_OUT_TABLE)}
     WHERE ${namesEntity(joinKeys)} AND NOT (${joinKeys.map((key) => `${cast(key)} IS NOT NULL`).join(' AND ')})`,
  );
  if (unfit > 0)
    throw malformed(
      `${unfit} rows whose values are none`,
      joinKeys.map(({ name, type }) => `${name} ${type}`).join(),
    );
  await database.execute(
    `CREATE OR REPLACE TABLE ${identifier(table)} AS
     SELECT DISTINCT ${joinKeys.map((key) => `${cast(key)} AS ${identifier(key.name)}`).join(', ')}
     FROM ${identifier(OPT_OUT_TABLE)} WHERE ${namesEntity(joinKeys)}`,
  );
  const { entities } = await database.row<{ entities: number }>(
    `SELECT count(*) AS entities FROM ${identifier(table)}`,
  );
  return { joinKeys, entities, table };
}

const notOnList = ({ joinKeys, table }: OptedOut): string => {
  const same = joinKeys
    .map(({ name }) => identifier(name))
    .map((key) => `out.${key}::VARCHAR = frame.${key}::VARCHAR`);
  return `NOT EXISTS (SELECT 1 FROM ${identifier(table)} AS out WHERE ${same.join(' AND ')})`;
};

function versionOf(sources: readonly PulledObject[]): string {
  const hash = createHash('sha256');
  for (const { key, etag } of sources) hash.update(`${key} ${etag}\n`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Refuses a list that names people whom nobody can find: an object without the join keys of any view, or a row without
 * their values. `known` are all views there are, so that a list of accounts does not stop a load of customers.
 * @throws MeridianError DataQualityBreach naming the object.
 */
export async function refuseUnnamed(
  database: Database,
  { sources }: OptOuts,
  known: readonly Pick<FeatureView, 'entity'>[],
): Promise<void> {
  const kinds = kindsOf(known);
  const expected = kinds.map((joinKeys) => joinKeys.map(({ name }) => name).join(' and ')).join(', or ');
  for (const { key, path } of sources) {
    const file = `read_parquet(${literal(path)}, hive_partitioning = false)`;
    const columns = (await database.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${file}`)).map(
      ({ column_name }) => column_name,
    );
    const named = kinds.filter((joinKeys) => joinKeys.every(({ name }) => columns.includes(name)));
    if (named.length === 0) throw malformed(`${key} with the columns ${columns.join(', ')}`, expected);
    const { unnamed } = await database.row<{ unnamed: number }>(
      `SELECT count(*) AS unnamed FROM ${file} WHERE NOT (${named.map((kind) => `(${namesEntity(kind)})`).join(' OR ')})`,
    );
    if (unnamed > 0) throw malformed(`${unnamed} rows of ${key} without`, expected);
  }
}

const malformed = (found: string, expected: string): MeridianError =>
  new MeridianError(
    ErrorCode.DataQualityBreach,
    `raw/${OPT_OUT_TABLE}: expected rows that name an entity by ${expected}, found ${found}. ` +
      'Nothing was done: who is meant cannot be known. Deliver the list again, then retry.',
  );
