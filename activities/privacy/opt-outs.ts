import { createHash } from 'node:crypto';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { OptOutProof } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import { keysText, namingKeys, type JoinKeys } from '../../contracts/opt-outs';
import type { Entity } from '../../contracts/ownership';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { columnTypes, isLossy, SQL_TYPE } from '../../platform/duckdb-types';
import { listFeatureViews } from '../../platform/feature-views';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { differentKeys, kindsOf, namesEntity, namings, type Concerned, type Naming } from './namings';

/** Where the list lies: `raw/opt-outs/`, a partition on each day that brought requests; its rows name join keys. */
const OPT_OUT_TABLE = 'opt-outs';

/** Whom the list names by one set of join keys. */
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
  /** Rows of the list whose values cannot be such join keys: they name nobody by them, and were passed over. */
  unfit: NonNullable<OptOutProof['unfit']>;
  /** SQL condition on rows of `frame`, by the join keys of the views: true for those of nobody on the list. */
  condition: string;
}

type Views = readonly Concerned[];

/**
 * Everyone who has asked to be left out, by every request delivered until now: whoever asks to be left out is left out
 * of what is made from then on, whatever day it is about. The list concerns those of the views whose join keys it names,
 * all of them or enough of them (`namings`), and of those whom their rows belong to, whose rows `withOwned` finds; an
 * entity on it by other join keys (an account, where a view is about customers) is left in.
 * @throws MeridianError CorruptObject.
 */
export async function readOptOuts(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  views: Views,
): Promise<OptOuts> {
  const days = await listPartitionDays(store, `raw/${OPT_OUT_TABLE}/`);
  const sources = (
    await Promise.all(days.map((day) => cache.pull(Key.rawPartition(OPT_OUT_TABLE, day))))
  ).flat();
  if (sources.length === 0)
    return { version: 'none', entities: 0, sources: [], kinds: [], unfit: [], condition: 'true' };
  await defineTable(database, OPT_OUT_TABLE, sources);
  const columns = await columnTypes(database, identifier(OPT_OUT_TABLE));
  const composite = kindsOf(views).some((joinKeys) => joinKeys.length > 1);
  // Whether a column beside some of a view's join keys is one of another view's, only all views can tell.
  const known = composite ? [...views, ...(await listFeatureViews(store))] : views;
  const read: (OptedOut & { unfit: number })[] = [];
  for (const naming of namings(views, known, [...columns.keys()]))
    read.push(await explainCorruption(database, sources, () => defineKind(database, naming, columns)));
  const kinds = read.filter(({ entities }) => entities > 0);
  return {
    version: versionOf(sources),
    entities: kinds.reduce((sum, { entities }) => sum + entities, 0),
    sources,
    kinds,
    unfit: read
      .filter(({ unfit }) => unfit > 0)
      .map(({ joinKeys, unfit }) => ({ joinKeys: keysText(joinKeys), rows: unfit })),
    condition: notOnList(
      namedBy(
        kinds,
        views.map(({ entity }) => entity),
      ),
    ),
  };
}

/** Those of a list that name one of these entities, or enough of its join keys. */
export function namedBy(kinds: readonly OptedOut[], entities: readonly Entity[]): OptedOut[] {
  const naming = new Set(differentKeys(entities).flatMap(namingKeys).map(keysText));
  return kinds.filter(({ joinKeys }) => naming.has(keysText(joinKeys)));
}

/** SQL condition on rows of `frame`: true for those of nobody among these. */
export const notOnList = (kinds: readonly OptedOut[]): string =>
  kinds
    .map(({ joinKeys, table }) => {
      const same = joinKeys
        .map(({ name }) => identifier(name))
        // As text: what is old may have keys of another type.
        .map((key) => `out.${key}::VARCHAR = frame.${key}::VARCHAR`);
      return `NOT EXISTS (SELECT 1 FROM ${identifier(table)} AS out WHERE ${same.join(' AND ')})`;
    })
    .join(' AND ') || 'true';

async function defineKind(
  database: Database,
  naming: Naming,
  columns: ReadonlyMap<string, string>,
): Promise<OptedOut & { unfit: number }> {
  const { joinKeys } = naming;
  const table = `${OPT_OUT_TABLE}/${keysText(joinKeys)}`;
  // The plan may cast before it filters: what cannot be cast must not fail.
  const cast = joinKeys.map(
    ({ name, type }) => `TRY_CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
  );
  const unfit = joinKeys.map((key) => `(${isLossy(key, columns.get(key.name)!)})`).join(' OR ');
  const named = `FROM ${identifier(OPT_OUT_TABLE)} WHERE ${namesEntity(naming)}`;
  await database.execute(
    `CREATE OR REPLACE TABLE ${identifier(table)} AS
     SELECT DISTINCT ${cast.join(', ')} ${named} AND NOT (${unfit})`,
  );
  const counted = await database.row<{ entities: number; unfit: number }>(
    `SELECT (SELECT count(*) FROM ${identifier(table)}) AS entities,
            (SELECT count(*) ${named} AND (${unfit})) AS unfit`,
  );
  return { joinKeys, table, ...counted };
}

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
  { sources }: Pick<OptOuts, 'sources'>,
  known: Views,
): Promise<void> {
  const expected = kindsOf(known)
    .map((joinKeys) => joinKeys.map(({ name }) => name).join(' and '))
    .join(', or ');
  for (const { key, path } of sources) {
    const file = `read_parquet(${literal(path)}, hive_partitioning = false)`;
    const columns = await columnTypes(database, file);
    const named = namings(known, known, [...columns.keys()]);
    if (named.length === 0)
      throw malformed(`${key} with the columns ${[...columns.keys()].join(', ')}`, expected);
    const { unnamed } = await database.row<{ unnamed: number }>(
      `SELECT count(*) AS unnamed FROM ${file}
       WHERE NOT (${named.map((naming) => `(${namesEntity(naming)})`).join(' OR ')})`,
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
